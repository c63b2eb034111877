"""`bigmodel-tui export`: tables, event files, pictures; uses what `tui.commands` uses."""
