"""What a fitted recogniser does on real pictures: unequal references, calibration, rejection, latency."""
