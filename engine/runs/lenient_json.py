"""JSON of whatever texts: names of files need not be UTF-8, and no log or report fails for one."""

from typing import Any

import msgspec


def encode(value: Any) -> bytes:
    """A struct or plain data as JSON. What is no Unicode in its texts, such as the odd bytes of a
    file's name, becomes the replacement character: it is for people, and no path to open."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_readable(msgspec.to_builtins(value)))


def _readable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        case dict():
            return {_readable(key): _readable(each) for key, each in value.items()}
        case list() | tuple():
            return [_readable(each) for each in value]
    return value
