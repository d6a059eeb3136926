"""What trained methods share: losses and mining, pairs, distortions, the loop, checkpoints."""
