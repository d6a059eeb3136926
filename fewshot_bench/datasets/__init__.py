"""Data sets: one file an adapter, and how one is found by its name or path."""
