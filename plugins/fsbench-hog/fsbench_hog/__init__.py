"""Histograms of oriented gradients: what shapes alone tell of a picture, with no network trained on others."""
