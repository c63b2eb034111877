"""Pure drawing: from series to characters and colours; uses `tui.runs` and `tui.text`."""
