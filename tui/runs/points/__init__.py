"""The points of metrics: series that grow, their steps, sums for millions; uses NumPy only."""
