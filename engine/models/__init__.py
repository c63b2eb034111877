"""Models, one file a type; a helper begins with an underscore; uses `engine.config`."""
