"""Panels with which a trained model is asked, and its answers; uses what `tui.panels` uses."""
