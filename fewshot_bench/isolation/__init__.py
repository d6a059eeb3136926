"""A method in a process of its own, which is given pictures or vectors and indices, and neither labels nor names."""
