"""The cache of large logs that were read, in the user's cache folder; uses `tui.runs`."""
