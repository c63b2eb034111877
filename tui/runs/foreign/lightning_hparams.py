"""Read the `hparams.yaml` that Lightning's loggers leave beside a log."""

from pathlib import Path
from typing import Any

from presets import ConfigError, yaml
from tui.runs.foreign.event_builder import EventBuilder


def tell(folder: Path, builder: EventBuilder) -> None:
    """Begin the run with the settings in a folder, if there are any; a faulty file is reported."""
    path = folder / "hparams.yaml"
    if not path.is_file():
        return
    try:
        settings: Any = yaml.read(path)
    except ConfigError as error:
        builder.say("warning", f"settings are not shown: {error}")
        return
    if isinstance(settings, dict):
        builder.begin(settings)
