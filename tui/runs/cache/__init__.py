"""What was read of a large log, kept in the user's cache folder; uses `tui.runs`."""
