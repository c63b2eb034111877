"""Data sets, one file each; a helper begins with an underscore; uses `config` and `presets`."""
