"""The dashboard: runs on pages of panels, steered by keys; uses what `tui.screens` uses."""
