"""What a model thinks of positions of a game, and what it would play."""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from torch import nn

from engine.games.players import Player
from engine.games.position import FIRST, IllegalMoveError, Position
from engine.programs.answers.loaded import LoadedRun
from engine.runs import questions
from engine.runs.questions import Answer, Question
from engine.tasks.players import boards
from presets import UserError


@runtime_checkable
class PlayersTask(Protocol):
    """A task whose model plays a game."""

    def player(self, model: nn.Module) -> Player:
        """The model as a player."""

    def thoughts(self, model: nn.Module, positions: Sequence[Position]) -> list[boards.Thought]:
        """What the model thinks of positions, none of which is over."""


def of_game(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The position after these moves, and the model's thoughts on it. Moves that are typed, such as
    `d4 e5`, come behind the others."""
    position = boards.begin(loaded.config.dataset)
    try:
        for move in question.moves:
            position = position.play(move)
        for word in question.text.replace(",", " ").split():
            position = position.play(_move(position, word))
    except IllegalMoveError as error:
        raise UserError(str(error)) from None
    yield Answer(id=question.id, position=told(loaded, position))


def _move(position: Position, word: str) -> int:
    # The last word of a name is enough: `4` for "column 4".
    names = {position.name(move).lower().split()[-1]: move for move in position.legal()}
    if word.lower() not in names:
        some = ", ".join(sorted(names)[:12])
        raise UserError(f"move {word!r}: expected one of {some}")
    return names[word.lower()]


def told(loaded: LoadedRun, position: Position) -> questions.Position:
    """A position as it is told."""
    legal = list(position.legal())
    shares, value, best = [0.0] * len(legal), None, None
    if position.winner is None:
        player = players_task(loaded)
        (thought,) = player.thoughts(loaded.model, [position])
        (best,) = player.player(loaded.model).choose([position])
        shares = [_finite(thought.policy[move]) for move in legal]
        side = 1 if position.to_move == FIRST else -1
        value = side * thought.value if math.isfinite(thought.value) else None
    places = [position.cell(move) for move in legal]
    return questions.Position(
        cells=list(position.cells),
        to_move=position.to_move,
        legal=legal,
        places=[-1 if place is None else place for place in places],
        names=[position.name(move) for move in legal],
        shares=shares,
        value=value,
        best=best,
        winner=position.winner,
        history=_history(position),
    )


def players_task(loaded: LoadedRun) -> PlayersTask:
    """The task of a run that learned to play. Raises UserError for another one."""
    task: object = loaded.task
    if not isinstance(task, PlayersTask):
        raise UserError(f"{loaded.info.task}: this task gives no player")
    return task


def _finite(share: float) -> float:
    return share if math.isfinite(share) else 0.0


def _history(position: Position) -> list[str]:
    names: list[str] = []
    while position.previous is not None and position.move is not None:
        names.append(position.previous.name(position.move))
        position = position.previous
    return names[::-1]
