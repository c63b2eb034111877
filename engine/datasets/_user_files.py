"""Files of a user that a data set is made of; what was read from them is remembered."""

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from engine.runs.safe_file_access import open_regular
from presets import ConfigError

T = TypeVar("T")
MEBIBYTE = 2**20

_CLUTTER = frozenset(
    {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}
    | {"system volume information", "lost+found", "__pycache__"}
)
_REMEMBERED = 16  # files; the launch screen asks for the same one at every key
_known: dict[Hashable, Any] = {}


def located(path: str, what: str, *, key: str = "dataset.path") -> Path:
    """The path of `what`, such as "a text file". Raises ConfigError if there is no such file."""
    if not path:
        raise ConfigError(f"{key}: missing; expected the path of {what}")
    try:
        found = Path(path).expanduser()
        found.stat()
    except OSError as error:
        raise unreadable(path, error, key=key) from None
    except (ValueError, RuntimeError):  # a null byte; the home of a user who does not exist
        raise ConfigError(f"{key}: expected the path of {what}, got {path!r}") from None
    return found


def is_clutter(name: str) -> bool:
    """Whether a system or an editor, and no person, put a file or folder of this name there."""
    return name.startswith(".") or name.lower() in _CLUTTER


def unreadable(path: object, error: OSError, *, key: str = "dataset.path") -> ConfigError:
    """The error, in one line, for a file that cannot be opened."""
    return ConfigError(f"{key}: {str(path)!r} cannot be read ({error.strerror or error})")


def read_text(path: Path, *, most: int, key: str = "dataset.path") -> str:
    """The text of a UTF-8 file of at most `most` bytes, with plain newlines, without a byte order
    mark. Raises ConfigError, in one line, if it is larger, cannot be read or is not UTF-8."""
    try:
        with open_regular(path) as file:
            data = file.read(most + 1)
    except OSError as error:
        raise unreadable(path, error, key=key) from None
    if len(data) > most:
        raise ConfigError(
            f"{key}: {str(path)!r} is larger than {most // MEBIBYTE} MiB, the most allowed"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{key}: {str(path)!r} is not UTF-8 text (byte {error.start} is "
            f"0x{data[error.start]:02x})"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def beginning(path: Path, *, most: int) -> str:
    """The text of the first `most` bytes of a UTF-8 file; bytes that are not UTF-8 are replaced.
    Raises ConfigError if it cannot be opened."""
    try:
        with open_regular(path) as file:
            data = file.read(most)
    except OSError as error:
        raise unreadable(path, error) from None
    text = data.decode("utf-8-sig", errors="replace")
    # The cut may go through the last character.
    text = text.rstrip("\N{REPLACEMENT CHARACTER}") if len(data) == most else text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def remembered(read: Callable[..., T], path: Path, *arguments: Hashable) -> T:
    """The result of `read(path, *arguments)`, or its ConfigError, computed once for each size and
    modification time of the file."""
    try:
        facts = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    key = (read.__module__, read.__name__, path.absolute(), facts.st_size, facts.st_mtime_ns)
    return remembered_by((*key, *arguments), lambda: read(path, *arguments))


def remembered_by(key: Hashable, read: Callable[[], T]) -> T:
    """The result of `read`, or its ConfigError, computed once for each key."""
    if key not in _known:
        while len(_known) >= _REMEMBERED:
            del _known[next(iter(_known))]
        try:
            _known[key] = read()
        except ConfigError as error:
            _known[key] = error
    found = _known[key]
    if isinstance(found, ConfigError):
        raise ConfigError(str(found))
    result: T = found
    return result
