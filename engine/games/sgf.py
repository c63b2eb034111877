"""Game records of Go in SGF (Smart Game Format FF[4], red-bean.com/sgf): the main line of each.

Variations, comments and markup are left out, and so is what follows stones that were set up or
taken away in the middle of a game.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.games.go import LARGEST, Go
from engine.games.position import EMPTY, FIRST, SECOND, IllegalMoveError

_COLOURS = {"B": FIRST, "W": SECOND}
_SETUP = {"AB": FIRST, "AW": SECOND, "AE": EMPTY}
_TOKEN = re.compile(r"\s*(?:([();])|([A-Za-z]+)|\[((?:[^\]\\]|\\.)*)\])", re.DOTALL)
_POINTS = re.compile(r"([a-s])([a-s])(?::([a-s])([a-s]))?")

Properties = dict[str, list[str]]
"""The values of a node by the names of its properties."""


class SgfError(ValueError):
    """What is wrong in a record, in one line that begins with its place: "line 3: ..."."""


@dataclass(frozen=True)
class Record:
    """One game."""

    begin: Go
    """The empty board, or with the stones that were set up."""
    moves: list[tuple[int, int]]
    """Player, and move as `Go.play` takes it."""
    result: int | None
    """Who won: FIRST, SECOND, 0 for a draw; None where the record does not say."""
    line: int
    """The line of the file where it begins."""

    def positions(self) -> Iterator[tuple[Go, int]]:
        """Each position and the move that was made there, until the rules say that the game is
        over. Raises SgfError for a move that is not legal."""
        position = self.begin
        for number, (player, move) in enumerate(self.moves, 1):
            if position.winner is not None:
                return
            if position.to_move != player:
                position = position.turned(player)
            try:
                after = position.play(move)
            except IllegalMoveError as error:
                why = str(error).partition(", ")[2]
                raise SgfError(
                    f"line {self.line}: move {number} of the game that begins here is not legal "
                    f"({why})"
                ) from None
            yield position, move
            position = after


def read(text: str) -> list[Record]:
    """The games of a file. Raises SgfError for what is no SGF, or is no game of Go on a square
    board of up to 19x19."""
    found = [_record(nodes, line) for nodes, line in _main_lines(text)]
    if not found:
        raise SgfError("line 1: expected a game record, which begins with '(;'")
    return found


def _main_lines(text: str) -> Iterator[tuple[list[Properties], int]]:
    """The nodes of the main line of each game, and the line where it begins."""
    branched: list[bool] = []  # for each open tree, whether it has had its first subtree
    skipped = began = 0  # inside a variation, the number of trees around it
    nodes: list[Properties] = []
    name, line = "", 1
    for line, sign, word, value in _tokens(text):
        if sign == "(":
            if not branched:
                nodes, began = [], line
            elif branched[-1] and not skipped:
                skipped = len(branched)
            branched[-1:] = [True] * bool(branched)
            branched.append(False)
        elif not branched:
            raise SgfError(f"line {line}: expected '(;', with which a game begins")
        elif sign == ")":
            branched.pop()
            skipped = 0 if len(branched) == skipped else skipped
            if not branched:
                yield nodes, began
        elif sign == ";" and not skipped:
            nodes.append({})
            name = ""
        elif word and not skipped:
            name = "".join(letter for letter in word if letter.isupper())
        elif value is not None and not skipped:
            if not nodes or not name:
                raise SgfError(f"line {line}: expected the name of a property before '['")
            nodes[-1].setdefault(name, []).append(value)
    if branched:
        raise SgfError(f"line {line}: the file ends inside the game that begins in line {began}")


def _tokens(text: str) -> Iterator[tuple[int, str | None, str | None, str | None]]:
    """The line of each token, and the token: a sign, a name or a value."""
    place, line = 0, 1
    end = len(text.rstrip())
    while place < end:
        token = _TOKEN.match(text, place)
        if token is None:
            line += text.count("\n", place, len(text) - len(text[place:].lstrip()))
            raise SgfError(f"line {line}: expected one of ( ) ; or a property such as B[dd]")
        here = token.start(token.lastindex or 0)
        line += text.count("\n", place, here)
        sign, word, value = token.groups()
        yield line, sign, word, value
        line += text.count("\n", here, token.end())
        place = token.end()


def _record(nodes: list[Properties], line: int) -> Record:
    root: Properties = {}
    for node in nodes[:1]:
        root = node
    if root.get("GM", ["1"])[0].strip() not in ("1", ""):
        raise SgfError(f"line {line}: expected a game of Go (GM[1]), got GM[{root['GM'][0]}]")
    size = _size(root.get("SZ", ["19"])[0], line)
    cells, moves = [EMPTY] * size**2, list[tuple[int, int]]()
    first = {"B": FIRST, "W": SECOND}.get(root.get("PL", [""])[0].strip().upper()[:1])
    for node in nodes:
        for name, stone in _SETUP.items():
            for value in node.get(name, []):
                if moves:
                    break
                for point in _points(value, size, line):
                    cells[point] = stone
        if moves and _SETUP.keys() & node.keys():
            break
        for name, player in _COLOURS.items():
            for value in node.get(name, [])[:1]:
                moves.append((player, _move(value, size, line)))
    begin = Go(size, tuple(cells), first or (moves[0][0] if moves else FIRST), komi=_komi(root))
    return Record(begin, moves, _result(root.get("RE", [""])[0]), line)


def _size(value: str, line: int) -> int:
    columns, _, rows = value.strip().partition(":")
    if columns.isdecimal() and (rows or columns) == columns and 2 <= int(columns) <= LARGEST:
        return int(columns)
    raise SgfError(
        f"line {line}: expected a square board of 2 to {LARGEST} lines, got SZ[{value[:20]}]"
    )


def _komi(root: Properties) -> float:
    """What White is given; 0 where the record has no number, as many have."""
    try:
        komi = float(root.get("KM", ["0"])[0])
    except ValueError:
        return 0.0
    return komi if abs(komi) <= LARGEST**2 else 0.0


def _result(value: str) -> int | None:
    word = value.strip().upper()
    if word.startswith(("B+", "W+")):
        return _COLOURS[word[0]]
    return 0 if word in ("0", "DRAW", "JIGO") else None


def _points(value: str, size: int, line: int) -> list[int]:
    """The points that a value names: one, or a rectangle by two of its corners."""
    found = _POINTS.fullmatch(value.strip())
    if found is None:
        raise _no_point(value, line)
    left, top, right, bottom = ("abcdefghijklmnopqrs".find(s or "") for s in found.groups())
    if found[3] is None:
        right, bottom = left, top
    if max(left, right, top, bottom) >= size:
        raise _no_point(value, line)
    rows = range(min(top, bottom), max(top, bottom) + 1)
    return [y * size + x for y in rows for x in range(min(left, right), max(left, right) + 1)]


def _move(value: str, size: int, line: int) -> int:
    """A move as `Go.play` takes it: [] and, up to 19x19, [tt] are a pass."""
    if value.strip() in ("", "tt"):
        return size**2
    points = _points(value, size, line)
    if len(points) > 1:
        raise _no_point(value, line)
    return points[0]


def _no_point(value: str, line: int) -> SgfError:
    return SgfError(
        f"line {line}: in the game that begins here, [{value[:20]}] is no point of its board"
    )
