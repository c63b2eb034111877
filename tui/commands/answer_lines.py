"""Answers of trained models as lines of text; pure."""

from collections.abc import Iterator

from engine.runs.questions import Answer, Choice, Position, Ready
from tui.text import clean, number

_CHOICES = 3
_WORDS = 5


def lines(answer: Answer, ready: Ready) -> Iterator[str]:
    """What a model answered, for people."""
    if answer.error:
        yield f"cannot answer: {clean(answer.error)}"
    elif answer.position is not None:
        yield from board(answer.position, ready.width)
    elif answer.choices and ready.task == "classification":
        yield "   ".join(f"{clean(c.text, 40)} {c.share:.1%}" for c in answer.choices[:_CHOICES])
        yield from _words(answer.words)
    else:
        yield from (clean(line) for line in answer.text.split("\n"))
        yield from _words(answer.words)
        if answer.reference:
            yield f"said: {clean(answer.reference)}"


def _words(words: list[Choice]) -> Iterator[str]:
    """The words that speak for an answer and those against it."""
    order = sorted(words, key=lambda word: -abs(word.share))[:_WORDS]
    for title, sign in (("for", 1), ("against", -1)):
        told = [f"{clean(w.text, 40)} {w.share:+.2f}" for w in order if w.share * sign > 0.005]
        if told:
            yield f"  {title}: {', '.join(told)}"


def board(position: Position, columns: int) -> Iterator[str]:
    """A board in letters: X who began, O the other; in per cent what the model would play."""
    shares = dict(zip(position.places, position.shares, strict=True))
    signs = {1: "X", -1: "O"}
    for begin in range(0, len(position.cells), columns):
        row = range(begin, min(begin + columns, len(position.cells)))
        words = [
            signs.get(position.cells[cell]) or (f"{share:.0%}" if share >= 0.01 else ".")
            for cell in row
            for share in (shares.get(cell, 0.0),)
        ]
        yield "".join(word.rjust(5) for word in words)
    if position.winner is not None:
        won = {1: "X won", -1: "O won"}.get(position.winner, "a draw")
        yield f"the game is over: {won}"
        return
    best = next(
        (n for m, n in zip(position.legal, position.names, strict=True) if m == position.best), ""
    )
    value = number(position.value, 2) if position.value is not None else "?"
    side = signs[position.to_move]
    yield f"{side} to move, {clean(best)} is best; it expects {value} for X (from -1 to 1)"
