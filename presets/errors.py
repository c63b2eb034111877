"""The errors that one line can explain to the person who made the mistake."""


class UserError(Exception):
    """A mistake in what the user gave: its text says what, where, and what is allowed."""


class ConfigError(UserError):
    """A preset, a setting or a configuration file that cannot be used."""


class NotInstalledError(ConfigError):
    """A choice that needs a package which is not installed; the message says how to install it."""
