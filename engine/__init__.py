"""The engine: headless, configures, trains and records runs; uses `presets`, never `tui`."""
