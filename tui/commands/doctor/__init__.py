"""`bigmodel-tui doctor`: what terminal and machine are like; uses what `tui.commands` uses."""
