"""What tests share: recorded runs and races, a terminal, packages, forked engines."""
