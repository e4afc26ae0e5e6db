"""The demo: a Langfuse stand-in on loopback, its traffic, and the run that shows Fusewatch at work."""
