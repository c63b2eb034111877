"""Which words of an output are not those of its reference; pure."""

import functools
from difflib import SequenceMatcher

MOST = 300
"""Maximum number of words that are compared; the time grows with the product of both lengths."""

Words = tuple[tuple[str, bool], ...]
"""The words of a text, each with whether it differs."""


@functools.lru_cache(maxsize=1024)
def differing(reference: str, output: str) -> tuple[Words, Words]:
    """The words of both texts; those differ that have no partner in the other one, in order."""
    expected, given = reference.split(), output.split()
    alike = SequenceMatcher(None, expected[:MOST], given[:MOST], autojunk=False)
    paired = [set[int](), set[int]()]
    for block in alike.get_matching_blocks():
        for found, begin in zip(paired, (block.a, block.b), strict=True):
            found.update(range(begin, begin + block.size))
    first, second = (
        tuple((word, at < MOST and at not in same) for at, word in enumerate(words))
        for words, same in zip((expected, given), paired, strict=True)
    )
    return first, second


def errors(reference: str, output: str) -> int:
    """The number of words of the output that differ, or that it lacks, whichever is more."""
    expected, given = differing(reference, output)
    return max(sum(wrong for _, wrong in words) for words in (expected, given))
