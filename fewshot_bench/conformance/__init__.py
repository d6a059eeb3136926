"""Does this method keep its contract? Trials of what its scores may not depend on."""
