"""Tables in text files: how they are written, and what becomes of their columns; without torch."""
