"""The dashboard on a recorded run, without torch."""
