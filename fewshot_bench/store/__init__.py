"""Embeddings and other computed facts that are kept on disk, by the content of what they were computed from."""
