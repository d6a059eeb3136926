"""A fitted recogniser as one file: references that are encoded once, with what its method, threshold and scale are."""
