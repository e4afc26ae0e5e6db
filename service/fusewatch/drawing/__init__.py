"""Drawings of flat shapes, and how they become a PNG; nothing here knows what is drawn."""
