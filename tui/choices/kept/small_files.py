"""What the app remembers of a user between two starts: one small JSON file a subject.

It is a convenience: if a file is absent, damaged or cannot be written, only what was remembered is
lost, and the last of these is told. What a user decides for good is in their `config.yaml`.
"""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from platformdirs import user_state_path

from engine.runs import lenient_json
from engine.runs.safe_file_access import open_regular, replace_file
from tui.runs.cache.write_failures import keeping

MAX_BYTES = 256 * 1024

T = TypeVar("T", bound=Struct)


def path_of(subject: str) -> Path:
    """The file of a subject, such as `layout`."""
    return user_state_path("bigmodel-tui", appauthor=False) / f"{subject}.json"


def load(subject: str, kind: type[T]) -> T:
    """What was remembered; `kind()` if there is nothing usable."""
    try:
        with open_regular(path_of(subject)) as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return kind()


def save(subject: str, facts: Struct) -> None:
    """Remember facts for the next start."""
    path = path_of(subject)
    with keeping(f"what is remembered of the {subject}", path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, lenient_json.encode(facts))
