"""The core: pure decisions over immutable values. No clock, no I/O, no environment."""
