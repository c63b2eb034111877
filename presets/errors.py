"""The errors that one line can explain to the person who made the mistake."""


class UserError(Exception):
    """A mistake in what the user gave: its text says what, where, and what is allowed."""


class ConfigError(UserError):
    """A preset, a setting or a configuration file that cannot be used."""
