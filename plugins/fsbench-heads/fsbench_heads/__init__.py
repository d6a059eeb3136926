"""Inductive and transductive heads of the field on frozen pretrained embeddings."""
