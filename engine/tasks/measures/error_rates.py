"""Error rates of recognised speech, by jiwer, and the best text that is always the same."""

from collections import Counter
from collections.abc import Sequence

_CANDIDATES = 12  # words that a constant text is made of
_MOST_WORDS = 8
_SAMPLES = 300  # texts by which it is chosen
_MOST_WORDS_IN_ALL = 6000  # of them: bounds the time


def error_rates(said: Sequence[str], heard: Sequence[str]) -> dict[str, float]:
    """`wer` and `cer`: substitutions, deletions and insertions of words and of characters over all
    texts, divided by those that were said."""
    import jiwer

    return {
        "wer": float(jiwer.process_words([*said], [*heard]).wer),
        "cer": float(jiwer.process_characters([*said], [*heard]).cer),
    }


def best(said: Sequence[str]) -> dict[str, float]:
    """The error rates of a text that is the same for all, with as few wrong words as a search
    finds that puts in a frequent word at a time, wherever it helps most. {} without texts."""
    few: list[str] = []
    words = Counter[str]()
    for text in said[:_SAMPLES]:
        few.append(text)
        words.update(text.split())
        if words.total() > _MOST_WORDS_IN_ALL:
            break
    if not words:
        return {}
    frequent = [word for word, _ in words.most_common(_CANDIDATES)]
    constant: list[str] = []
    wrong = _wrong(few, constant)
    while len(constant) < _MOST_WORDS:
        places = range(len(constant) + 1)
        longer = [[*constant[:at], word, *constant[at:]] for at in places for word in frequent]
        found = min((_wrong(few, each), each) for each in longer)
        if found[0] >= wrong:
            break
        wrong, constant = found
    return error_rates(said, [" ".join(constant)] * len(said))


def _wrong(said: Sequence[str], words: Sequence[str]) -> float:
    import jiwer

    return float(jiwer.process_words([*said], [" ".join(words)] * len(said)).wer)
