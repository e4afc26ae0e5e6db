"""The page at `/`: what it asks for, how it is rendered, and what can be changed on it."""
