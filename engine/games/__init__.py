"""Games for two: their rules, records, simple players and matches, without torch or NumPy."""
