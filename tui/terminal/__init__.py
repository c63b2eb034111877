"""The terminal: what it can show, and when and what it is sent; uses `tui.choices` and below."""
