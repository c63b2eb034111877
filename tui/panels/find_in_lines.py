"""Find words in lines: which lines, and where in them; pure."""

from collections.abc import Sequence


def spans(line: str, words: str) -> list[tuple[int, int]]:
    """Where the words are in a line: begin and end of each place.

    Small letters find capitals too; words with a capital find only themselves.
    """
    if not words:
        return []
    # Letters that change their number in lower case (as İ does) would move what follows.
    lowered = line.lower()
    text = lowered if words == words.lower() and len(lowered) == len(line) else line
    found = []
    at = text.find(words)
    while at >= 0:
        found.append((at, at + len(words)))
        at = text.find(words, at + len(words))
    return found


def found(lines: Sequence[str], words: str) -> list[int]:
    """The numbers of the lines that have the words."""
    return [number for number, line in enumerate(lines) if spans(line, words)]


def next_hit(found: Sequence[int], at: int | None, by: int) -> int | None:
    """The hit after the one at line `at`, or before it with a negative `by`, round the ends."""
    if not found:
        return None
    if at is None:
        return found[0 if by > 0 else -1]
    if by > 0:
        return next((line for line in found if line > at), found[0])
    return next((line for line in reversed(found) if line < at), found[-1])


def nearest(found: Sequence[int], at: int) -> int | None:
    """The first hit from line `at` on, else the last one before it."""
    return next((line for line in found if line >= at), found[-1] if found else None)


def counted(found: Sequence[int], at: int | None) -> str:
    """In words: `3 of 17`, `17 lines`, `nothing found`."""
    if not found:
        return "nothing found"
    if at in found:
        return f"{found.index(at) + 1} of {len(found)}"
    return f"{len(found)} line{'s' * (len(found) != 1)}"
