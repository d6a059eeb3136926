"""Methods trained on base classes, by classification or on episodes, with the heads of their papers."""
