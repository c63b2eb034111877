"""Measurements of a run while it trains; uses the state of `engine.training`, and `runs`."""
