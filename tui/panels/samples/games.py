"""A game that the model played, move by move, with what it thought."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from rich.text import Text

from engine.games import games_by_name
from engine.games.position import Position
from engine.runs.events import Game
from tui.panels.panel import Panel
from tui.panels.samples.kind import Kind, Place
from tui.plots import board
from tui.runs.state.store import RunState
from tui.text import clean, count, number

_BAR = 20


class GamesKind(Kind):
    """The games of the evaluations: Left and Right step through the moves, Page Down goes to the
    game of an earlier evaluation."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._place = Place()
        self._move = 0
        """How many moves of the game are made."""

    def of(self, state: RunState) -> bool:
        return bool(state.games)

    def heading(self, state: RunState) -> Text:
        events = _newest_first(state)
        game = events[self._place.at(events)]
        first, second = (clean(name, 20) for name in game.players)
        won = {"first": f"{first} won", "second": f"{second} won", "draw": "a draw"}[game.result]
        words = f"{first} against {second}, step {count(game.step)}: {won}"
        return Text(words).append(self._place.told(events), style=self.color("plot-ink"))

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        self.height = height
        game = self._game(state)
        positions = _positions(game)
        self._move = max(0, min(self._move, len(positions) - 1))
        position = positions[self._move]
        thought = game.moves[self._move] if self._move < len(game.moves) else None
        shares = {cell: percent / 100 for cell, percent in thought.policy} if thought else {}
        last = self._last(positions)
        shown = board.Board(
            cells=position.cells, columns=position.columns, shares=shares, last=last
        )
        drawn = board.lines(shown, looks(self.panel))
        side = [Text(" ").append_text(line) for line in drawn]
        told = self._told(game, positions)
        if width >= position.columns * board.CELL + 40:
            side += [Text(" " * (1 + position.columns * board.CELL))] * max(
                0, len(told) - len(side)
            )
            for line, words in zip(side, told, strict=False):
                line.append("   ").append_text(words)
            return side[:height]
        return [*told[:3], *side][:height]

    def along(self, state: RunState, by: int) -> bool:
        self._move = max(0, min(self._move + by, len(_positions(self._game(state))) - 1))
        return True

    def move(self, state: RunState, by: int) -> None:
        self.along(state, by)

    def turn(self, state: RunState, by: int) -> None:
        self._place.turn(_newest_first(state), by)
        self._move = 0

    def _game(self, state: RunState) -> Game:
        events = _newest_first(state)
        return events[self._place.at(events)]

    def _last(self, positions: Sequence[Position]) -> int | None:
        if not self._move:
            return None
        before, now = positions[self._move - 1], positions[self._move]
        return before.cell(now.move) if now.move is not None else None

    def _told(self, game: Game, positions: Sequence[Position]) -> list[Text]:
        """What the model thinks, and the moves until here."""
        ink = self.color("plot-ink")
        value = game.moves[self._move].value if self._move < len(game.moves) else None
        bar = board.value_bar(value, _BAR, ascii_only=self.panel.plain)
        stones = board.ASCII_STONES if self.panel.plain else board.STONES
        first, second = (clean(name, 20) for name in game.players)
        names = [
            before.name(after.move)
            for before, after in pairwise(positions)
            if after.move is not None
        ]
        here = f"move {self._move} of {len(game.moves)}, Left and Right step"
        found = [
            Text(here, style=f"bold {self.color('accent')}"),
            Text(f"{stones[1]} {first}  {bar}  {second} {stones[-1]}"),
            Text(f"value {number(value, 2)} for {first}" if value is not None else "", style=ink),
        ]
        made = names[: self._move]
        rows = [made[begin : begin + 10] for begin in range(0, len(made), 10)]
        return [*found, *(Text(" ".join(row), style=ink) for row in rows)]


def looks(panel: Panel[Any]) -> board.Looks:
    """The colours of a board on a panel."""
    return board.Looks(
        ink=panel.color("plot-ink"),
        stone=panel.color("foreground"),
        other=panel.color("lane-1"),
        hot=panel.color("accent"),
        cold=panel.color("background"),
        letters=panel.plain or panel.colorless,
        ascii_only=panel.plain,
    )


def _newest_first(state: RunState) -> list[Game]:
    return list(reversed(state.games))


def _positions(game: Game) -> tuple[Position, ...]:
    moves = tuple(move.move for move in game.moves)
    return _replayed(game.game, game.rows, game.columns, game.komi, moves)


@lru_cache(maxsize=8)
def _replayed(
    name: str, rows: int, columns: int, komi: float, moves: tuple[int, ...]
) -> tuple[Position, ...]:
    """All positions of a game, up to a move that is not legal, as in a log of something else."""
    try:
        begin = games_by_name.begin(name, rows, columns, komi)
    except ValueError:
        begin = games_by_name.begin("connect-four", 6, 7)
        moves = ()
    return tuple(games_by_name.replay(begin, moves))
