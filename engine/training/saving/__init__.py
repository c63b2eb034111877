"""The state of a run in memory and in checkpoints; uses `recording` and `runs`."""
