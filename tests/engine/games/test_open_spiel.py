"""Our rules allow the same moves and name the same winners as those of OpenSpiel (Lanctot et al.
2019, arXiv:1908.09453), which has an environment of its own; `make test-slow` installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = Path(sys.prefix, "spiel", "bin", "python")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="open-spiel could not be installed (make test-slow tries)"
    ),
]


@pytest.mark.figure("rules of games against open-spiel", asked="all moves and results equal")
@pytest.mark.parametrize(
    ("game", "size", "games"),
    [("connect-four", 0, 2000), ("go", 3, 1500), ("go", 5, 500), ("go", 7, 300), ("go", 13, 10)],
)
def test_random_games(measured, game, size, games):
    program = Path(__file__).with_name("against_open_spiel.py")
    ended = subprocess.run(
        [PYTHON, program, game, str(size), str(games)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    title = f"{game} {size}x{size}" if size else game
    measured(f"{title}: {games} games, {int(ended.stdout)} moves equal")
