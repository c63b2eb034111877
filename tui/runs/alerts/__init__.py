"""What of a run is worth telling a person, and telling it; uses `tui.runs`."""
