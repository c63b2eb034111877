"""Commands of the command line, one file each; may use every room below `tui.cli`."""
