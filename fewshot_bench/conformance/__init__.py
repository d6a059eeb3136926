"""Does this method keep its contract? What its scores may not depend on, tried."""
