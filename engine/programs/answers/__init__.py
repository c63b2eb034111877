"""Answers of a trained model to what a person asks; uses every room of the engine."""
