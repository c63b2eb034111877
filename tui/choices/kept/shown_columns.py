"""The columns and the order of the screen of runs that a person chose, which are remembered."""

from msgspec import Struct

SUBJECT = "run-columns"
"""The name under which they are remembered."""


class ShownColumns(Struct, frozen=True, kw_only=True):
    """A choice of columns, by what a person types for them, and of the one that sorts."""

    columns: tuple[str, ...] = ()
    """Empty for the usual ones."""
    sort: str = "age"
    descending: bool = False
