"""The daemon: the loops around the passes, their timer, and an orderly end."""
