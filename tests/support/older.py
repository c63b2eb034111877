"""What an older version left behind, checked in; see tests/test_older_versions.py."""

import shutil
from pathlib import Path

LEFT_BEHIND = Path(__file__).parents[1] / "fixtures" / "before_rooms"
WHOLE, KILLED = "20261126-120000-mlp-spirals-adam-0a11", "20261126-120500-mlp-spirals-adam-0b22"
RACE = "20261126-121000-spirals-0c33"


def copied(name: str, to: Path) -> Path:
    """A copy with the permissions that the app gives, whatever those of the checkout are."""
    for path in sorted((LEFT_BEHIND / name).rglob("*")):
        if path.is_file():
            copy = to / path.relative_to(LEFT_BEHIND / name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return to
