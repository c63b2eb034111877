"""How good texts and guesses are, and what trivial ways reach; by the packages of the field."""
