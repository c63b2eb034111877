"""The screen and the command line; uses `presets` and the torch-free rooms of `engine`."""
