"""Bytes and frames: what the terminal can show, and what it is sent; uses `tui.plots` and below."""
