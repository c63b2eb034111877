"""Logs that other programs write, shown like runs of ours.

`sniff.open_source(path)` is the way in; `follower.ForeignFollower` reads what it found.
"""
