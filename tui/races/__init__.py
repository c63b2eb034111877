"""A race as it is shown: news, tables, reports; uses `engine.race`, `tui.plots` and below."""
