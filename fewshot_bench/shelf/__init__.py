"""Answers for a person with products: which method to take, which references to mend, why an answer was given."""
