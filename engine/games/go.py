"""Go by area scoring (Tromp and Taylor) with the simple ko rule and without suicide.

A board that repeats an earlier one ends the game as a draw; no more than two moves for each point
are made. What lies on the board when both have passed counts as alive.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from engine.games.position import EMPTY, FIRST, Cells, IllegalMoveError, Position

LARGEST = 19
LETTERS = "abcdefghjklmnopqrst"
"""The names of columns, by which no i stands beside a j."""


@functools.cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """The points next to each point of a board."""
    return _at(size, ((-1, 0), (1, 0), (0, -1), (0, 1)))


@functools.cache
def diagonals(size: int) -> tuple[tuple[int, ...], ...]:
    """The points diagonally next to each point of a board."""
    return _at(size, ((-1, -1), (-1, 1), (1, -1), (1, 1)))


def _at(size: int, steps: tuple[tuple[int, int], ...]) -> tuple[tuple[int, ...], ...]:
    inside = range(size)
    return tuple(
        tuple(
            (row + down) * size + column + right
            for down, right in steps
            if row + down in inside and column + right in inside
        )
        for row in inside
        for column in inside
    )


class Go(Position):
    """A position of Go. A move is a point, row by row from the top, or `size ** 2` for a pass."""

    __slots__ = ("_repeated", "ko", "komi", "passes")

    def __init__(
        self,
        size: int = 7,
        cells: Cells = (),
        to_move: int = FIRST,
        *,
        komi: float = 0.5,
        previous: Go | None = None,
        move: int | None = None,
        ko: int | None = None,
        passes: int = 0,
    ) -> None:
        """Without `cells` the board is empty."""
        super().__init__(
            size, size, cells or (EMPTY,) * size**2, to_move, previous=previous, move=move
        )
        self.komi = komi
        """What White is given, in points."""
        self.passes = passes
        """How many passes the last moves were."""
        self.ko = ko
        """The point that may not be retaken now."""
        self._repeated = not passes and self._was_there_before()

    @property
    def size(self) -> int:
        return self.rows

    @property
    def num_moves(self) -> int:
        return self.rows**2 + 1

    @property
    def winner(self) -> int | None:
        if not (self._repeated or self.passes > 1 or self.number >= 2 * self.rows**2):
            return None
        score = 0.0 if self._repeated else self.score()
        return (score > 0) - (score < 0)

    def score(self) -> float:
        """Points of Black minus points of White: stones, and empty regions that touch one colour
        only; less the komi."""
        total, seen = sum(self.cells) - self.komi, set[int]()
        for point, stone in enumerate(self.cells):
            if not stone and point not in seen:
                region, border = _group(self.cells, self.rows, point)
                seen |= region
                colours = {self.cells[other] for other in border}
                total += len(region) * (colours.pop() if len(colours) == 1 else 0)
        return total

    def groups(self) -> Iterator[tuple[set[int], set[int]]]:
        """The stones of each group, and its liberties."""
        seen = set[int]()
        for point, stone in enumerate(self.cells):
            if stone and point not in seen:
                stones, liberties = _group(self.cells, self.rows, point)
                seen |= stones
                yield stones, liberties

    def group(self, point: int) -> tuple[set[int], set[int]]:
        """The stones of the group at a point where one lies, and its liberties."""
        return _group(self.cells, self.rows, point)

    def legal(self) -> tuple[int, ...]:
        if self.winner is not None:
            return ()
        last = self.rows**2
        return (*(point for point in range(last) if not self._fault(point)), last)

    def sensible(self) -> tuple[int, ...]:
        """The legal moves that fill no eye of one's own, and a pass where nothing else is left, or
        where the other one passed and one leads: who passes earlier is often behind."""
        mine, last = self.to_move, self.rows**2
        found = [move for move in self.legal()[:-1] if not self.is_eye(move, mine)]
        if self.winner is None and (not found or (self.passes and self.score() * mine > 0)):
            found.append(last)
        return tuple(found)

    def is_eye(self, point: int, player: int) -> bool:
        """Whether an empty point is surrounded by stones of `player`, and by at most one of the
        other's diagonally, none at the edge: a false eye has more."""
        cells, size = self.cells, self.rows
        if any(cells[other] != player for other in neighbours(size)[point]):
            return False
        corners = diagonals(size)[point]
        return sum(cells[other] == -player for other in corners) <= (len(corners) == 4)

    def play(self, move: int) -> Go:
        size, mine = self.rows, self.to_move
        if self.winner is not None:
            raise IllegalMoveError(f"move {self.number + 1}: the game is over")
        if move == size**2:
            return self._next(self.cells, move, passes=self.passes + 1)
        if why := self._fault(move):
            raise IllegalMoveError(f"move {self.number + 1}, {self.name(move)}: {why}")
        cells, captured = list(self.cells), set[int]()
        cells[move] = mine
        for point in neighbours(size)[move]:
            if cells[point] == -mine and point not in captured:
                stones, liberties = _group(cells, size, point)
                captured |= set() if liberties else stones
        for point in captured:
            cells[point] = EMPTY
        ko = None
        if len(captured) == 1 and tuple(map(len, _group(cells, size, move))) == (1, 1):
            (ko,) = captured
        return self._next(tuple(cells), move, ko=ko)

    def turned(self, to_move: int) -> Go:
        """The same board with another player to move, as records of handicap games have it."""
        return Go(self.rows, self.cells, to_move, komi=self.komi)

    def cell(self, move: int) -> int | None:
        return move if move < self.rows**2 else None

    def name(self, move: int) -> str:
        if move >= self.rows**2:
            return "pass"
        row, column = divmod(move, self.rows)
        return f"{LETTERS[column]}{self.rows - row}"

    def _next(self, cells: Cells, move: int, *, ko: int | None = None, passes: int = 0) -> Go:
        return Go(
            self.rows,
            cells,
            -self.to_move,
            komi=self.komi,
            previous=self,
            move=move,
            ko=ko,
            passes=passes,
        )

    def _fault(self, point: int) -> str:
        """Why there may be no stone; "" if there may."""
        cells, size = self.cells, self.rows
        if not 0 <= point < size**2 or cells[point]:
            return "not an empty point"
        if point == self.ko:
            return "the ko may not be retaken at once"
        near = neighbours(size)[point]
        if any(not cells[other] for other in near):
            return ""
        for other in near:  # one's own need another liberty, the other's may have no other
            lives = len(_group(cells, size, other)[1]) > 1
            if lives == (cells[other] == self.to_move):
                return ""
        return "suicide"

    def _was_there_before(self) -> bool:
        position = self.previous
        while position is not None and position.cells != self.cells:
            position = position.previous
        return position is not None


def _group(cells: Cells | list[int], size: int, start: int) -> tuple[set[int], set[int]]:
    """The connected points that hold the same as `start`, and the empty points next to stones or
    the stones next to empty points."""
    near, colour = neighbours(size), cells[start]
    group, border, todo = {start}, set[int](), [start]
    while todo:
        for point in near[todo.pop()]:
            if cells[point] == colour:
                if point not in group:
                    group.add(point)
                    todo.append(point)
            elif not colour or not cells[point]:
                border.add(point)
    return group, border
