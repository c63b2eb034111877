"""Runs as they are known: state, points, following, other programs' logs; uses `engine.runs`."""
