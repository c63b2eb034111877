"""The panel of single samples, and a file for each kind of them; uses what `tui.panels` uses."""
