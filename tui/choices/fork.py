"""A fork to be chosen: the settings at its checkpoint, and what was changed afterwards; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import presets
from engine.config import configure
from presets.dotted_keys import flatten
from presets.schema import RunConfig, dotted, plain, run_config
from tui.choices.fields import FIELDS, compared


@dataclass(frozen=True)
class Fork:
    """A run to begin from a checkpoint of another one, its parent."""

    folder: Path
    """The parent's directory; the child goes beside it."""
    checkpoint: str
    """Its name under the parent's `checkpoints`."""
    step: int
    """The step of the checkpoint, from which the child counts on."""
    config: RunConfig
    """The parent's settings at the checkpoint, which the child keeps unless they are changed."""
    label: str = ""
    """What the parent is called on the screen."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """The settings that commands changed after the checkpoint: their new values by dotted key."""

    def settings(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The settings at the checkpoint with dotted keys, for a child with these presets by kind.

        Another preset has options of its own, and may bring settings along.
        """
        kept = {key: value for key, value in dotted(self.config).items() if key != "name"}
        for kind, name in names.items():
            if name != getattr(self.config, kind).name:
                preset = presets.load(cast("Any", f"{kind}s"), name)
                brought = flatten(preset.run)
                kept = {
                    key: value
                    for key, value in kept.items()
                    if key not in brought and not key.startswith(f"{kind}.")
                }
        return kept | {"parent": f"{self.folder.name}/{self.checkpoint}"}

    def changes(self) -> list[str]:
        """What was changed after the checkpoint, such as `lr 0.001 -> 0.0003`."""
        return compared(self.config, self._later())

    def changes_as_texts(self, optimizers: tuple[str, ...]) -> dict[str, str]:
        """The same as texts by the keys of the fields, for a child with these optimizers."""
        later = self._later()
        texts = {
            item.key: item.show(later)
            for item in FIELDS
            if item.show(later) != item.show(self.config)
        }
        if optimizers != (self.config.optimizer.name,):
            texts.pop("lr", None)  # another optimizer has a learning rate of its own
        return texts

    def _later(self) -> RunConfig:
        """The parent's settings with what was changed after the checkpoint."""
        tree = plain(self.config)
        for key, value in self.changed.items():
            configure.put(tree, key, value)
        return run_config(tree)
