"""The launch screen: presets and settings are chosen; uses what `tui.screens` uses."""
