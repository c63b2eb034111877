"""A program for an environment that has open-spiel: random games by its rules and by ours.

    python against_open_spiel.py GAME SIZE GAMES

Ends with a message where legal moves or results differ; prints the number of moves else.
"""

import random
import sys
from pathlib import Path

import pyspiel

sys.path.insert(0, str(Path(__file__).parents[3]))

from engine.games import games_by_name

KOMI = 0.5


def compare(name: str, size: int, games: int) -> int:
    if name == "go":
        theirs = pyspiel.load_game("go", {"board_size": size, "komi": KOMI})
        begin = games_by_name.begin("go", size, size, KOMI)
    else:
        theirs = pyspiel.load_game("connect_four")
        begin = games_by_name.begin("connect-four", 6, 7)
    moves = 0
    for seed in range(games):
        chance = random.Random(seed)
        ours, state = begin, theirs.new_initial_state()
        while True:
            assert (ours.winner is not None) == state.is_terminal(), (seed, ours.moves())
            if state.is_terminal():
                assert ours.winner == state.returns()[0], (seed, ours.moves())
                break
            assert list(ours.legal()) == state.legal_actions(), (seed, ours.moves())
            # without eyes filled most of the time, so that games reach fights, kos and captures
            move = chance.choice(ours.sensible() if chance.random() < 0.8 else ours.legal())
            ours, moves = ours.play(move), moves + 1
            state.apply_action(move)
    return moves


if __name__ == "__main__":
    print(compare(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
