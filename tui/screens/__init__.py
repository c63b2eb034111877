"""Screens: what fills the terminal and answers keys; uses `tui.panels` and below."""
