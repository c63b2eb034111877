"""Which metric of the dashboard a name of a framework means."""

import re

_SPLITS = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "eval": "val",
    "dev": "val",
    "test": "test",
}
_QUALITIES = {"acc": "accuracy"}
_BEGINS = re.compile(rf"({'|'.join(_SPLITS)})[_/](.+)")


def of_split(name: str, split: str = "") -> str:
    """`val/accuracy` for `val_acc` and `valid/acc`.

    A name without a split gets `split`, if there is one.
    """
    found = _BEGINS.fullmatch(name)
    if found is None and not split:
        return name
    where, rest = (_SPLITS[found[1]], found[2]) if found else (split, name)
    return f"{where}/{_QUALITIES.get(rest, rest)}"
