"""What of a run could not be written, and is not made up for yet."""


class Unsaved:
    """The open troubles of a run with its disk, one for each kind of file."""

    def __init__(self) -> None:
        self._troubles: dict[str, str] = {}

    def note(self, what: str, trouble: str) -> bool:
        """Files of the kind `what`, such as `checkpoint`, could not be written: `trouble` is the
        line for people. Returns whether that is news."""
        news = self._troubles.get(what) != trouble
        self._troubles[what] = trouble
        return news

    def settle(self, what: str) -> None:
        """A later file of this kind was written and makes up for what is missing."""
        self._troubles.pop(what, None)

    def text(self) -> str:
        """All troubles in one line of at most 400 characters; "" if there are none."""
        return "; ".join(self._troubles.values())[:400]
