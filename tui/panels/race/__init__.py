"""Panels of a race; uses what `tui.panels` uses."""
