"""Alerts: finding what in a run is worth telling a person, and telling it; uses `tui.runs`."""
