"""A text of any size as files of tokens: made once, then read a window at a time."""
