"""What a person asks a trained model, and what it answers: one JSON line each; torch-free.

`python -m engine.programs.answer` first writes `Ready`, or a `Failed` and ends. Then it reads a
`Question` a line and writes `Answer`s, partial ones while it is at it, the last one `done`. A new
question ends the answer to the one before.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from engine.runs.event_bounds import Pixels
from engine.runs.events import Span
from presets import UserError
from presets.schema import NonNegative

Input = Literal["text", "image", "row", "speech", "game"]
"""What a model is asked with: a text, a picture, a row of a table, a recording, moves."""


class Choice(Struct, frozen=True, kw_only=True):
    """Something with its probability, or with its weight."""

    text: str
    share: float


class Ready(Struct, frozen=True, kw_only=True, tag="ready"):
    """The model is loaded: what it can be asked."""

    input: Input
    task: str
    checkpoint: str
    step: int
    writes: bool = False
    """Whether it writes on, so that temperature and length matter."""
    columns: list[str] = []
    """The names of the numbers and words of a row, in order."""
    height: int = 0
    width: int = 0
    """Of a picture, in pixels; of a board, in cells."""
    game: str = ""
    example: str = ""
    """Something to type, where a person would not know."""


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The model cannot be asked."""

    error: str


class Question(Struct, frozen=True, kw_only=True):
    """A question; which fields count follows from `Ready.input`."""

    id: int
    text: str = ""
    """A text, the path of a picture or recording, the number of a recording of the test set, or the
    values of a row."""
    pixels: Pixels = []
    """A drawn picture, rows of grey values."""
    moves: Annotated[list[int], Meta(max_length=4096)] = []
    """The moves of a game until now."""
    temperature: NonNegative = 0.8
    length: Annotated[int, Meta(ge=1, le=4096)] = 200
    seed: int = 0


class Answer(Struct, frozen=True, kw_only=True, tag="answer"):
    """An answer, or as much of it as there is."""

    id: int
    done: bool = True
    checkpoint: str = ""
    step: int = 0
    text: str = ""
    """What was written, heard or told; of a classifier the most likely class."""
    choices: list[Choice] = []
    """Classes, or the alternatives for the newest token, the most likely first."""
    words: list[Choice] = []
    """The words of the input with how much each speaks for the answer; negative: against it."""
    tokens: list[Choice] = []
    """The pieces of the text with the probability of each."""
    pixels: Pixels = []
    """The picture as the model sees it."""
    spectrogram: Pixels = []
    waveform: list[float] = []
    """Loudest values of pieces of a recording, 0 to 1."""
    seconds: float = 0.0
    """The length of a recording."""
    spans: list[Span] = []
    """Where in the spectrogram the pieces of the text were heard."""
    reference: str = ""
    """What is right, where it is known."""
    position: "Position | None" = None
    error: str = ""


class Position(Struct, frozen=True, kw_only=True):
    """A position of a game, and what the model thinks of it."""

    cells: list[int]
    """Row by row from the top: 1 the stones of who began, -1 those of the other, 0 none."""
    to_move: int
    legal: list[int]
    """The legal moves,"""
    places: list[int]
    """the cell where each would lie, -1 for none,"""
    names: list[str]
    """and the name of each."""
    shares: list[float]
    """How likely the model would make each."""
    value: float | None
    """The result it expects for who began, from -1 to 1."""
    best: int | None
    """The move that it would make."""
    winner: int | None
    """1, -1 or 0 for a draw; None while the game goes on."""
    history: list[str]
    """The moves until here by name."""


class Standing(Struct, frozen=True, kw_only=True, tag="standing"):
    """How two models stand against each other after some games."""

    games: int
    of: int
    """The games that are to be played."""
    wins: int
    draws: int
    losses: int
    rate: float
    """The share of games that the first one won, where a draw is half a win,"""
    low: float
    high: float
    """and the 95 % interval for it (Wilson 1927)."""


Reply = Ready | Failed | Answer | Standing
_replies = msgspec.json.Decoder(Reply)
_questions = msgspec.json.Decoder(Question)


def encode(line: Reply | Question) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(line) + b"\n"


def reply(line: bytes) -> Reply:
    """What the process wrote. Raises UserError for anything else."""
    try:
        found: Reply = _replies.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise UserError("the answering process wrote something that is no answer") from None
    return found


def question(line: bytes) -> Question:
    """A question. Raises UserError, in one line."""
    try:
        return _questions.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UserError(f"question: {str(error).splitlines()[0][:200]}") from None
