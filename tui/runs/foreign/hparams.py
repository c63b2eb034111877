"""The `hparams.yaml` that Lightning's loggers leave beside a log."""

from pathlib import Path
from typing import Any

from presets import ConfigError, yaml
from tui.runs.foreign.event_builder import Book


def tell(folder: Path, book: Book) -> None:
    """Begin the run with these settings, if there are any; what cannot be read is said."""
    path = folder / "hparams.yaml"
    if not path.is_file():
        return
    try:
        settings: Any = yaml.read(path)
    except ConfigError as error:
        book.say("warning", f"settings are not shown: {error}")
        return
    if isinstance(settings, dict):
        book.begin(settings)
