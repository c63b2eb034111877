"""Races: configurations compared fairly over seeds, in a directory and a process of their own.

No torch here: a race starts engines and reads their logs.
"""
