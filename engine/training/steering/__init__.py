"""What changes or ends a run while it trains: commands, guards; uses `saving` and `runs`."""
