"""Fusewatch watches LLM spend through Langfuse and tells the right people, early and correctly, what drove it."""

__version__ = "0.1.0"
