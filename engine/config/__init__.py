"""What decides a run before it starts: settings, components, costs; torch-free; uses `presets`."""
