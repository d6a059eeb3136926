"""Episodes drawn as pictures."""
