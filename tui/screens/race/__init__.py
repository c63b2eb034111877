"""Screens of races: list, set-up, watching, replays; uses what `tui.screens` uses."""
