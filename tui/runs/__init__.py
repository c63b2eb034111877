"""What is known of runs: state, points, how they are followed; no drawing; uses `engine.runs`."""
