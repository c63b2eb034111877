"""Processes of their own, each run as `python -m`; may use every room of the engine."""
