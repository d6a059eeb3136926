"""What was computed, kept on disk: embeddings by the content of their pictures."""
