"""What a person chose or typed, as values; pure; uses `engine.config`, `tui.runs` and plots."""
