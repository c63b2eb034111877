"""Panels, one file each: widgets that draw one thing of a run; uses `tui.races` and below."""
