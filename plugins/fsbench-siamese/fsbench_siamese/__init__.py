"""Siamese networks after the report on fashion products of the Navee project: pairs, triplets, retrieval."""
