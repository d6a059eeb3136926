"""Verification: whether a record says what happens when its run is done again, in part or in whole."""
