"""The whole daemon on a simulated clock, disk and network: one seed is one history of several days (docs/simulation.md)."""
