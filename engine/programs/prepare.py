"""`python -m engine.programs.prepare`: tokenises a text into a folder; tells of it as JSON.

Standard input has a `Request`; standard output gets a `Told` a line: how far it is, and at last the
facts of the folder or why there is none. Whoever ends it by a signal finds nothing half.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import msgspec
from msgspec import Struct

from engine.datasets import tokens
from presets import UserError

_TELL_SECONDS = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REFUSED, _INTERRUPTED = 2, 130


class Request(Struct, frozen=True, kw_only=True):
    """A request: which text becomes which folder."""

    path: str
    output: str
    tokenizer: str
    vocabulary: int


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of what is told."""

    what: str = ""
    """What is done now, such as "tokenising"."""
    done: int = 0
    whole: int = 0
    """How far it is, and how far it goes, in bytes of the text."""
    facts: str = ""
    """The folder is whole: what it holds, in a line."""
    tokens: dict[str, int] = {}
    """The number of tokens of each split of that folder."""
    symbols: int = 0
    error: str = ""
    """Why there is no folder, in one line."""


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


class _Teller:
    """Tells how far the work is, a few times a second and whenever something else begins."""

    def __init__(self) -> None:
        self._what = ""
        self._next = 0.0

    def __call__(self, what: str, done: int, whole: int) -> None:
        now = time.monotonic()
        if what == self._what and now < self._next and done < whole:
            return
        self._what, self._next = what, now + _TELL_SECONDS
        _tell(Told(what=what, done=done, whole=whole))


def _interrupted(*_: int | FrameType | None) -> None:
    for each in _SIGNALS:  # a second one must not cut the cleaning short
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Returns the exit status: 2 if there is no folder, as was told; 130 after a signal."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # nothing else is at work here
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    for each in _SIGNALS:
        signal.signal(each, _interrupted)
    try:
        found = tokens.prepare(
            Path(request.path),
            Path(request.output),
            tokenizer=request.tokenizer,
            vocabulary=request.vocabulary,
            progress=_Teller(),
        )
    except UserError as error:
        _tell(Told(error=str(error)))
        return _REFUSED
    except BrokenPipeError:  # nobody listens any more
        return _INTERRUPTED
    except OSError as error:
        where = error.filename or request.output
        _tell(Told(error=f"{where}: cannot be written ({error.strerror or error})"))
        return _REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    parts = {split: part.tokens for split, part in found.parts.items()}
    _tell(Told(facts=tokens.facts(found), tokens=parts, symbols=found.symbols))
    return 0


if __name__ == "__main__":
    sys.exit(main())
