"""The passes and the read models: what the daemon does, free of any vendor."""
