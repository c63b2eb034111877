"""The state of a run, made from its events and nothing else; pure; uses `points`."""
