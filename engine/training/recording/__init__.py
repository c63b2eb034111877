"""What is measured of a run while it trains; uses `engine.training`'s state and `runs`."""
