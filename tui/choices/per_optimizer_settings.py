"""Settings that belong to one optimizer of several: `adam.lr`, `all.lr`; pure.

Optimizers have options of their own, and rates that differ by a factor of a thousand. So a learning
rate that was typed for one is no other's, and `optimizer.lr` is for the one that is chosen. Where
several are chosen a person says which one is meant: `adam 3e-4, sgd 0.1`, or `all 0.01`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import presets
from presets import ConfigError, dotted_keys, yaml
from presets.schema import RunConfig
from tui.choices.typed_text import words

ALL = "all"
"""The owner of a setting that is for every chosen optimizer."""
BARE = "optimizer.lr"
_RATES = "expected a number, `all 0.01`, or `adam 0.001, sgd 0.1`"


def owner(key: str) -> str:
    """Whose setting a dotted key is: `all`, the name of an optimizer preset, or "" for the run's or
    for that of the one optimizer that is chosen."""
    first, rest = dotted_keys.split(key)
    if not rest or first in RunConfig.__struct_fields__:
        return ""
    return first if first == ALL or first in presets.names("optimizers") else ""


def for_one(settings: Mapping[str, Any], optimizer: str, chosen: Sequence[str]) -> dict[str, Any]:
    """The settings of the run of one of the chosen optimizers, with the keys of a configuration."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        whose = owner(key)
        if whose in (ALL, optimizer):
            found[f"optimizer.{dotted_keys.split(key)[1]}"] = value
        elif not whose and (key != BARE or len(chosen) == 1):
            found[key] = value
    return found


def parse_rates(text: str, where: str) -> dict[str, Any]:
    """A learning rate, or several with their owners, as settings. Raises ConfigError."""
    entries = [[word for word in entry.split() if word != "for"] for entry in text.split(",")]
    known = {ALL, *presets.names("optimizers")}
    if not any(known & set(entry) for entry in entries):
        return {BARE: yaml.parse(text, where)}
    found: dict[str, Any] = {}
    for entry in entries:
        names = [word for word in entry if word in known]
        values = [word for word in entry if word not in known]
        if len(names) != 1 or len(values) != 1:
            raise ConfigError(f"{where}: {_RATES}, got {text!r}")
        found[f"{names[0]}.lr"] = yaml.parse(values[0], where)
    return found


def follow(texts: Mapping[str, str], before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """The texts of settings after other optimizers were chosen.

    What was typed for one optimizer gets its name, `adam 0.3`, and loses it where that one alone is
    chosen: it is never another's by accident.
    """
    given = dict(texts)
    rate, more = given.get("lr", ""), words(given.get("more", ""))
    if len(before) == 1:
        rate = f"{before[0]} {rate}" if _is_number(rate) else rate
        more = [_renamed(word, "optimizer", before[0]) for word in more]
    if len(after) == 1:
        name, _, value = rate.partition(" ")
        rate = value if name == after[0] and _is_number(value) else rate
        more = [_renamed(word, after[0], "optimizer") for word in more]
    given |= {"lr": rate} if rate else {}
    return given | ({"more": " ".join(more)} if more else {})


def with_rate(text: str, name: str, rate: str) -> str:
    """A text of learning rates in which one optimizer has another rate."""
    entries = [entry.strip() for entry in text.split(",")]
    others = [each for each in entries if " " in each and name not in each.split()]
    return ", ".join([*others, f"{name} {rate}"])


def _is_number(text: str) -> bool:
    try:
        return isinstance(yaml.parse(text, ""), int | float)
    except ConfigError:
        return False


def _renamed(word: str, old: str, new: str) -> str:
    """`KEY=VALUE` with another first part of its key, if it has that part."""
    return f"{new}.{word[len(old) + 1 :]}" if word.startswith(f"{old}.") else word
