"""A run before its first step: its parts are built, put at their starting point, hashed."""
