"""Logs that other programs write, shown like runs of ours.

`sniff.open_source(path)` finds the logs at a path; `follower.ForeignFollower` reads one.
"""
