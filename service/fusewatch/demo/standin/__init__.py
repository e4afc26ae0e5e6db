"""A small Langfuse on loopback: it answers as a real one was seen to answer, and fails on demand."""

from fusewatch.demo.standin.app import Standin
from fusewatch.demo.standin.data import Store
from fusewatch.demo.standin.model import (
    DEMO_PROJECT,
    DEMO_PUBLIC_KEY,
    DEMO_SECRET_KEY,
    Key,
    Mode,
    Project,
    Span,
)
from fusewatch.demo.standin.server import StandinServer

__all__ = [
    "DEMO_PROJECT",
    "DEMO_PUBLIC_KEY",
    "DEMO_SECRET_KEY",
    "Key",
    "Mode",
    "Project",
    "Span",
    "Standin",
    "StandinServer",
    "Store",
]
