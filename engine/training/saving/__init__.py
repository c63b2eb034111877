"""A run's state in memory and in checkpoints; uses `recording` and `runs`."""
