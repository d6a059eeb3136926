"""Would this evaluation mislead? Copies, look-alikes, small classes, broken files; what a data set holds."""
