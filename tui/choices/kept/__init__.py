"""What is kept of a person's choices between two starts: files of the user; uses `choices`."""
