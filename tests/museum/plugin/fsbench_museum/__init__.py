"""Methods that are wrong, or that want a better number than they deserve; each is caught by a check."""
