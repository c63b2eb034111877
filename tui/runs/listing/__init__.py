"""The list of all runs: rows, the index that keeps them, filters, trash; uses `tui.runs`."""
