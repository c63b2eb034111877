"""Optimizers, one file each; a helper begins with an underscore; uses `training.updates`."""
