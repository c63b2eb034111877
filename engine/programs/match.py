"""`python -m engine.programs.match RUN_DIR RUN_DIR GAMES`: two trained models play each other.

Writes a `Standing` a line, after every game; the last one is the result.
"""

import sys
from pathlib import Path

import torch

from engine.games import match
from engine.games.match import Score
from engine.games.position import Position
from engine.programs.answers.loaded import LoadedRun
from engine.programs.answers.position_evaluation import players_task
from engine.runs.questions import Failed, Standing, encode
from engine.tasks.players import boards
from presets import UserError

_OPENING_MOVES = 2


def play(paths: tuple[Path, Path], games: int) -> None:
    """Let the models of two runs play. Raises UserError if they cannot."""
    one, other = (LoadedRun(path) for path in paths)
    begin, same = (boards.begin(each.config.dataset) for each in (one, other))
    board = [(type(each), each.rows, each.columns) for each in (begin, same)]
    if board[0] != board[1]:
        raise UserError("the two runs play different games")
    first, second = (players_task(each).player(each.model) for each in (one, other))

    def tell(score: Score, _: Position) -> None:
        low, high = score.interval()
        standing = Standing(
            games=score.games,
            of=games,
            wins=score.wins,
            draws=score.draws,
            losses=score.losses,
            rate=score.rate,
            low=low,
            high=high,
        )
        sys.stdout.buffer.write(encode(standing))
        sys.stdout.buffer.flush()

    match.play(begin, first, second, games=games, opening_moves=_OPENING_MOVES, watch=tell)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 2 if they cannot play."""
    torch.set_num_threads(1)
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 3 or not given[2].isdecimal() or int(given[2]) < 1:
        print("usage: python -m engine.programs.match RUN_DIR RUN_DIR GAMES", file=sys.stderr)
        return 2
    try:
        play((Path(given[0]), Path(given[1])), int(given[2]))
    except (UserError, OSError) as error:
        sys.stdout.buffer.write(encode(Failed(error=" ".join(str(error).split()))))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
