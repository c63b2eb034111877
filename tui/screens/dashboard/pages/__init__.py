"""Pages of the dashboard, one file each; uses `tui.panels` and below."""
