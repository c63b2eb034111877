"""The ranges, sizes and shapes that the values of an event may have; pure.

They are checked when an event is read: a right CRC says that a line is what was written, and
nothing about who wrote it. What a run of ours writes is far within them. msgspec checks the types;
the functions say what no type says, and return what is wrong in one line, or "".
"""

from collections.abc import Iterable, Sequence, Sized
from typing import Annotated, Any, Literal

from msgspec import Meta

MOST = 2**53
"""The largest whole number that a float64 holds exactly."""
MAX_NAMES = 10_000
"""Maximum number of metrics, layers or operations in one event."""
MAX_CLASSES = 256
"""Maximum number of classes in a confusion matrix; the engine writes none of more than 100."""
MAX_BINS = 1024
"""Maximum number of bins of a histogram."""
MAX_SAMPLES = 256
"""Maximum number of samples in one event."""
MAX_SIDE = 512
"""Maximum height and width of a sample's picture, in pixels."""
MAX_PIXELS = 2**18
"""Maximum number of pixels of all pictures in one event."""
MAX_FRAMES = 500
"""Maximum number of moves of an episode that one event shows."""
MAX_OBSERVED = 16
"""Maximum number of numbers of an observation that are shown."""
MAX_ACTIONS = 64
"""Maximum number of actions whose probabilities are shown."""
LEAST_SPAN = 1e-3
"""Minimum width of a histogram's axis, in powers of ten."""
MAX_BOARD = 25
"""Maximum height and width of a board."""
MAX_MOVES = 2 * MAX_BOARD**2
"""Maximum number of moves of a game."""
MAX_DEPTH = 16
"""Maximum depth of a configuration: a number in a section is at depth 2."""
MAX_LEAVES = 10_000
"""Maximum number of values in a configuration."""

NonFiniteText = Literal["nan", "inf", "-inf"]
Value = float | NonFiniteText
"""A number of a metric; NaN and infinities, which JSON lacks, are texts."""
Time = Annotated[float, Meta(ge=0, lt=250e9)]
"""Seconds since the epoch, up to the year 9892, which `datetime` can still show."""
Seconds = Annotated[float, Meta(ge=0, lt=250e9)]
"""A duration in seconds."""
Whole = Annotated[int, Meta(ge=0, le=MOST)]
"""A whole number >= 0."""
Step = Whole
"""A number of optimizer steps, exact as a float64."""
Count = Annotated[int, Meta(ge=1, le=MOST)]
"""A whole number >= 1."""
Epoch = Annotated[float, Meta(ge=0, le=MOST)]
"""A number of epochs, perhaps between two whole ones."""
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(max_length=1000)]
Line = Annotated[str, Meta(max_length=100_000)]
"""A text for people: a message, a reason, what a model wrote."""
Power = Annotated[float, Meta(ge=-400, le=400)]
"""A power of ten that a float64 can be near."""
Grey = Annotated[int, Meta(ge=0, le=255)]
"""A grey value."""
Names = Annotated[list[Name], Meta(max_length=MAX_NAMES)]
Columns = Annotated[dict[Name, list[Value]], Meta(max_length=MAX_NAMES)]
"""Columns of values by name."""
Values = Annotated[dict[Name, Value], Meta(max_length=MAX_NAMES)]
"""Values by name."""
Bins = Annotated[list[Whole], Meta(max_length=MAX_BINS)]
Classes = Annotated[list[Name], Meta(max_length=MAX_CLASSES)]
Matrix = Annotated[
    list[Annotated[list[Whole], Meta(max_length=MAX_CLASSES)]], Meta(max_length=MAX_CLASSES)
]
Pixels = Annotated[
    list[Annotated[list[Grey], Meta(max_length=MAX_SIDE)]], Meta(max_length=MAX_SIDE)
]
"""A picture as rows of grey values from 0 to 255."""
Observations = Annotated[
    list[Annotated[list[float], Meta(max_length=MAX_OBSERVED)]], Meta(max_length=MAX_FRAMES)
]
"""The numbers that were seen before each move."""
Policies = Annotated[
    list[Annotated[list[Share], Meta(max_length=MAX_ACTIONS)]], Meta(max_length=MAX_FRAMES)
]
"""The probabilities of the actions at each move."""

Side = Annotated[int, Meta(ge=2, le=MAX_BOARD)]
"""Height or width of a board, in cells."""
CellShares = Annotated[
    list[tuple[Annotated[int, Meta(ge=0, lt=MAX_BOARD**2)], Annotated[int, Meta(ge=1, le=100)]]],
    Meta(max_length=100),
]
"""Cells of a board, and whole per cent of each."""
Balance = Annotated[float, Meta(ge=-1, le=1)]
"""From a sure loss to a sure win."""


def of_one_length(columns: Iterable[Sized], length: int) -> str:
    """Whether these columns, if there are any, have one entry for each of `length` > 0."""
    if length and {len(column) for column in columns} <= {length}:
        return ""
    return "expected columns of one length > 0"


def rising(steps: Sequence[int]) -> str:
    """Whether steps never fall."""
    return "" if list(steps) == sorted(steps) else "the steps fall"


def distinct(names: Sequence[str]) -> str:
    """Whether no name stands twice."""
    return "" if len(set(names)) == len(names) else "a name stands twice"


def table(counts: Sequence[Sequence[int]], rows: int, columns: int) -> str:
    """Whether counts are a table of this shape, with a sum that a float64 holds."""
    if not rows or not columns or len(counts) != rows or {len(row) for row in counts} != {columns}:
        return "expected a whole table of counts"
    return "" if sum(map(sum, counts)) <= MOST else f"more than {MOST} counts"


def even(rows: Sequence[Sized]) -> str:
    """Whether rows, if there are any, have one length > 0."""
    lengths = {len(row) for row in rows}
    return "" if len(lengths) < 2 and 0 not in lengths else "expected rows of one length > 0"


def pictures(all_pixels: Iterable[Sequence[Sequence[int]]]) -> str:
    """Whether the pictures have whole rows, and are few and small enough to draw."""
    pixels = 0
    for rows in all_pixels:
        if any(len(row) != len(rows[0]) or not row for row in rows):
            return "expected rows of one length > 0 in a picture"
        pixels += sum(map(len, rows))
    return "" if pixels <= MAX_PIXELS else f"more than {MAX_PIXELS} pixels"


def moves(played: Iterable[tuple[int, Sequence[tuple[int, int]]]], cells: int) -> str:
    """Whether moves, each with the shares of the cells before it, lie on a board of so many cells.
    A move behind the last cell is a pass."""
    for move, shares in played:
        if move > cells or any(cell >= cells for cell, _ in shares):
            return "a move lies outside the board"
        if len({cell for cell, _ in shares}) < len(shares):
            return "a cell stands twice"
        if sum(share for _, share in shares) > 100:
            return "the shares of the cells are more than the whole"
    return ""


def plain(data: dict[str, Any]) -> str:
    """Whether data of any shape, such as a configuration, is small enough to show."""
    level: list[Any] = [data]
    seen = 0
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, int) and abs(value) > 2**64:
                return "a whole number of more than 64 bits"
        seen += len(inner)
        if seen > MAX_LEAVES:
            return f"more than {MAX_LEAVES} values"
        if not inner:
            return ""
        level = inner
    return f"deeper than {MAX_DEPTH} levels"
