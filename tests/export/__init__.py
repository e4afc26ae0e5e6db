"""Exports: files and tables."""
