"""CLIP under three heads that read the names of classes."""
