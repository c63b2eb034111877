"""The Textual app: which screen is shown, theme and global keys."""
