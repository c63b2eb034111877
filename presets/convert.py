"""Turn plain data into typed structs, with errors that name the key, the value and the choice."""

import re
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from presets.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
    "NoneType": "null",
}
_NOT_OFFERED = ("range-test",)
"""Choices that the program makes for itself: no error offers them to a person."""


def convert(data: Any, struct: type[T], where: str = "") -> T:
    """Build `struct` from plain data.

    `where` is put before the key in errors, such as "optimizer".
    Raises ConfigError such as "optimizer.lr: expected a number > 0, got 'fast'".
    """
    try:
        return msgspec.convert(data, struct, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), data, struct, where)) from None


def _explain(message: str, data: Any, struct: type[msgspec.Struct], where: str) -> str:
    problem, _, tail = message.partition(" - at `$")
    path = tail.rstrip("`").lstrip(".")
    if unknown := re.search(r"unknown field `(.*)`", problem):
        allowed = ", ".join(sorted(_fields(struct, path)))
        return f"{_join(where, path, unknown[1])}: unknown key; allowed: {allowed}"
    if missing := re.search(r"missing required field `(.*)`", problem):
        return f"{_join(where, path, missing[1])}: missing"
    key = _join(where, path)
    if problem.startswith("Invalid enum value"):
        return f"{key}: expected {_choices(struct, path)}, got {_short(_at(data, path))}"
    if problem.startswith("Expected"):
        wanted = _plain(problem)
        if " or " in wanted or _only_choices(struct, path):
            # msgspec does not name the literals of a union, nor any to what is no text
            wanted = f"expected {_choices(struct, path)}"
        return f"{key}: {wanted}, got {_short(_at(data, path))}"
    # Raised by a struct's own __post_init__; its text already says what is allowed.
    return f"{key}: {problem}" if key else problem


def _plain(problem: str) -> str:
    """'Expected `float | null`, got `str`' -> 'expected a number or null'."""
    text = problem.partition(", got")[0]
    text = re.sub(
        r"`([^`]*)`",
        lambda match: " or ".join(_WORDS.get(part, part) for part in match[1].split(" | ")),
        text,
    )
    text = re.sub(r" matching regex '.*'", " of letters, digits, - and _", text)
    return "expected" + text.removeprefix("Expected")


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part).replace(".[", "[")


def _keys(path: str) -> list[str]:
    return [key for key in re.split(r"[.\[\]]+", path) if key]


def _at(data: Any, path: str) -> Any:
    for key in _keys(path):
        try:
            data = data[int(key)] if isinstance(data, list) else data[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return data
    return data


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _members(kind: Any) -> list[Any]:
    """The members of a union, with annotations such as `Meta` taken off."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(kind) in (Union, UnionType):
        return [member for part in get_args(kind) for member in _members(part)]
    return [kind]


def _members_at(struct: type, path: str) -> list[Any]:
    members: list[Any] = [struct]
    for key in _keys(path):
        if key.isdecimal() or key == "...":  # an entry of a list, which has entries of one type
            lists = [member for member in members if get_origin(member) in (list, tuple)]
            members = _members(get_args(lists[0])[0]) if lists else [None]
            continue
        hints = next((get_type_hints(m) for m in members if _is_struct(m)), {})
        members = _members(hints.get(key))
    return members


def _fields(struct: type, path: str) -> tuple[str, ...]:
    return next((m.__struct_fields__ for m in _members_at(struct, path) if _is_struct(m)), ())


def _is_struct(kind: Any) -> bool:
    return hasattr(kind, "__struct_fields__")


def _only_choices(struct: type, path: str) -> bool:
    return all(get_origin(member) is Literal for member in _members_at(struct, path))


def _choices(struct: type, path: str) -> str:
    words: list[str] = []
    for member in _members_at(struct, path):
        if get_origin(member) is Literal:
            words += [str(choice) for choice in get_args(member) if choice not in _NOT_OFFERED]
        else:
            words.append(_WORDS.get(getattr(member, "__name__", ""), str(member)))
    return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"
