"""Training: base data, batches, losses, the loop, and what a finished training leaves behind."""

VERSION = 2
"""The version of the core's training code, part of the key of every training.

It is to be raised whenever the same data, parameters and seed give other weights. A test holds the digest of the
code against it.
"""
