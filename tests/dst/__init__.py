"""The whole daemon on a simulated clock, disk and network: a seed is a history of days (docs/simulation.md)."""
