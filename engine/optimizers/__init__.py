"""Optimizers, one file a type; a helper begins with an underscore; uses `training.updates`."""
