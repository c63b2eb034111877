"""Which columns of a file are the text, the label, the source, ...: by common names, or as a person
says."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

import presets
from presets import ConfigError

Given = tuple[str | int, ...]
"""Columns by name, or by number from 1 on."""


class Role(Struct, frozen=True):
    """What a column may be for."""

    key: str
    """Its setting without `dataset.`, such as "text"."""
    names: tuple[tuple[str, ...], ...]
    """Names of columns that it is found by, in lower case, the surest first; several columns of one
    entry become one text."""
    unnamed: int | Literal["shortest", "others"] = "others"
    """Its column, from 0 on, in a file without names; `shortest`: the one with the shortest cells;
    `others`: all that are left, as one text."""


def choose(
    roles: Sequence[Role],
    given: Mapping[str, Given],
    names: Sequence[str],
    *,
    first: Sequence[Sequence[str]] | None = None,
) -> dict[str, tuple[int, ...]]:
    """The places of the columns of each role, counted from 0. `first` are rows of a file that has
    no names, only numbers. Raises ConfigError that names the setting which says it."""
    chosen = {
        role.key: tuple(_place(role.key, column, names) for column in given[role.key])
        for role in roles
        if given.get(role.key)
    }
    taken = {place for places in chosen.values() for place in places}
    for role in sorted(roles, key=lambda role: role.unnamed == "others"):
        if role.key not in chosen:
            named = first is None
            places = _common(role, names, taken) if named else _unnamed(role, first or [[]], taken)
            chosen[role.key] = places
            taken |= set(places)
    lacking = [role for role in roles if not chosen[role.key]]
    left = [place for place in range(len(names)) if place not in taken]
    if len(lacking) == 1 and len(left) == 1:  # one column and one role are left for each other
        chosen[lacking[0].key] = (left[0],)
        lacking = []
    if lacking:
        listed = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        raise ConfigError(
            f"dataset.{lacking[0].key}: expected one of the columns {listed}; none has a name like "
            f"{lacking[0].names[0][0]!r}"
        )
    return chosen


def _place(key: str, column: str | int, names: Sequence[str]) -> int:
    if str(column) in names:
        return names.index(str(column))
    number = int(column) if str(column).isdecimal() else 0
    if 1 <= number <= len(names):
        return number - 1
    if isinstance(column, int) or number:
        raise ConfigError(f"dataset.{key}: expected a column from 1 to {len(names)}, got {column}")
    raise ConfigError(f"dataset.{key}: {presets.unknown('column', column, list(names))}")


def _common(role: Role, names: Sequence[str], taken: set[int]) -> tuple[int, ...]:
    plain = [_plain(name) for name in names]
    for several in role.names:
        if all(name in plain and plain.index(name) not in taken for name in several):
            return tuple(plain.index(name) for name in several)
    return ()


def _unnamed(role: Role, first: Sequence[Sequence[str]], taken: set[int]) -> tuple[int, ...]:
    left = [place for place in range(len(first[0])) if place not in taken]
    if isinstance(role.unnamed, int):
        return (role.unnamed,) if role.unnamed in left else ()
    if role.unnamed == "shortest" and len(left) > 1:
        signs = {place: sum(len(row[place]) for row in first if place < len(row)) for place in left}
        return (min(left, key=lambda place: signs[place]),)
    return tuple(left)


def is_header(
    rows: Sequence[Sequence[str]], roles: Sequence[Role], given: Mapping[str, Given]
) -> bool:
    """Whether the first of some rows has the names of the columns: names that a role has or a
    person gives, or, where labels stand below it, none of them."""
    first, *rest = rows
    plain = {_plain(cell) for cell in first}
    if any(plain.issuperset(several) for role in roles for several in role.names):
        return True
    if any(column in first for columns in given.values() for column in columns):
        return True
    if not any(role.unnamed == "shortest" for role in roles) or not rest:
        return False
    (place,) = _unnamed(Role("label", (), "shortest"), rest, set())[:1]
    below = [row[place] for row in rest if place < len(row)]
    return len(set(below)) <= len(below) / 2 and first[place] not in below


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").strip()
