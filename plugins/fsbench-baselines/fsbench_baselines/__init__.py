"""Baselines that every other method has to beat."""
