"""The program that a shop runs: new pictures classified against a folder of reference pictures."""
