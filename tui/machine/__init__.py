"""The load of the machine: processors, memory, GPUs; uses `tui.runs` and `tui.text`."""
