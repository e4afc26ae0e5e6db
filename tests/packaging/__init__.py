"""The project's outer parts: what it depends on, what it ships, how CI treats it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
