"""Texts that models write: symbol by symbol, searched, heard in sound, from other texts."""
