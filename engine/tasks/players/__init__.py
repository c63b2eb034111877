"""Networks that act: as players of games, and in environments."""
