"""How busy the machine is: processors, memory, GPUs; uses `tui.text`."""
