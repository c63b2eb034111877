"""Environments of the package `gymnasium`, and what a policy lives through in them."""
