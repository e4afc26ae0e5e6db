"""Tests of the Langfuse stand-in against recordings of the real server."""
