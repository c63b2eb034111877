"""GNU Go as a player, over the Go Text Protocol (version 2), where `gnugo` is installed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.games.go import Go
from engine.games.position import FIRST, Position

_ELSEWHERE = "/usr/games"
"""Where Debian puts it, which is not on everybody's PATH."""


class GnuGoError(Exception):
    """GNU Go is absent, ended, or refused a command; one line."""


def program() -> str | None:
    """The path of `gnugo`; None where it is not installed."""
    return shutil.which("gnugo") or shutil.which("gnugo", path=_ELSEWHERE)


class GnuGo:
    """GNU Go at a level from 1 to 10, in a process that lives until `close`.

    It goes on until all that is dead has been captured, so that area scoring is right.
    """

    def __init__(self, level: int = 1, seed: int = 1) -> None:
        """Raises GnuGoError where it is not installed."""
        path = program()
        if path is None:
            raise GnuGoError("gnugo is not installed (Debian and Ubuntu: apt install gnugo)")
        options = ["--level", str(level), "--chinese-rules", "--never-resign"]
        options += ["--seed", str(seed), "--capture-all-dead", "--play-out-aftermath"]
        self._process = subprocess.Popen(
            [path, "--mode", "gtp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
            cwd=Path(path).parent,
        )
        self._known: list[str] = []
        """The commands that led to its board."""

    def choose(self, positions: Sequence[Position]) -> list[int]:
        """Its moves. Raises GnuGoError, also for a position of another game."""
        return [self._one(position) for position in positions]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _one(self, position: Position) -> int:
        if not isinstance(position, Go):
            raise GnuGoError("GNU Go plays no other game than Go")
        self._show(position)
        colour = _colour(position.to_move)
        answer = self._ask(f"genmove {colour}").lower()
        self._known.append(f"play {colour} {answer}")
        move = position.size**2
        if answer != "pass":
            move = next(n for n in range(move) if position.name(n) == answer)
        if move not in position.legal():  # its rules of ko differ where boards repeat
            move = position.size**2
            self._known = []
        return move

    def _show(self, position: Go) -> None:
        """Bring its board to a position: only what is new, where it knows the beginning."""
        commands = _commands(position)
        new = commands
        if self._known and commands[: len(self._known)] == self._known:
            new = commands[len(self._known) :]
        for command in new:
            self._ask(command)
        self._known = commands

    def _ask(self, command: str) -> str:
        """The answer to a command."""
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        try:
            to.write(f"{command}\n")
            to.flush()
        except OSError:
            raise GnuGoError("GNU Go ended") from None
        lines: list[str] = []
        while line := answers.readline():
            if not line.strip():
                break
            lines.append(line.strip())
        if not lines or not lines[0].startswith("="):
            raise GnuGoError(f"GNU Go refused {command!r}: {' '.join(lines)[:200]}")
        return lines[0][1:].strip()


def _colour(player: int) -> str:
    return "black" if player == FIRST else "white"


def _commands(position: Go) -> list[str]:
    """The commands that give its board this position."""
    chain: list[Go] = [position]
    while isinstance(earlier := chain[-1].previous, Go):
        chain.append(earlier)
    first = chain.pop()
    found = [f"boardsize {first.size}", "clear_board", f"komi {first.komi:g}"]
    for point, stone in enumerate(first.cells):
        if stone:
            found.append(f"play {_colour(stone)} {first.name(point)}")
    for later in reversed(chain):
        assert later.move is not None
        found.append(f"play {_colour(-later.to_move)} {later.name(later.move)}")
    return found
