"""Games as data: records of games, their positions, and games that a model plays with itself."""
