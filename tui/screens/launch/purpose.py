"""What the launch screen was opened for, and what follows from that."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import presets
from presets import UserError
from tui.choices import rerun as reruns
from tui.choices.choice import Choice
from tui.choices.fork import Fork
from tui.choices.kept import last_choice
from tui.choices.rerun import Rerun


@dataclass(frozen=True)
class Purpose:
    """What the launch screen was opened for: a fork, a rerun or, without either, a new run."""

    fork: Fork | None = None
    rerun: Rerun | None = None
    clean: bool = False
    """Whether it begins with the quickstart and nothing of what was chosen the last time."""

    @property
    def new(self) -> bool:
        """Whether the run has no model in an earlier one."""
        return self.fork is None and self.rerun is None

    def first_choice(self) -> tuple[Choice, list[str]]:
        """What the screen begins with, and a line for each preset that is gone."""
        if self.rerun is not None:
            return reruns.choice_of(self.rerun.config)
        if self.fork is not None:
            return reruns.parts_of(self.fork.config, "quickstart")
        return (Choice(), []) if self.clean else last_choice.recall()

    def first_use(self, root: Path) -> bool:
        """Whether somebody is here for the first time: there are no runs yet."""
        return self.new and not _has_entries(root) and not presets.problems()

    def runs_folder(self, root: Path) -> Path:
        """Where the runs go: a fork stands beside its parent, which it finds there by its name."""
        if self.fork is not None:
            return self.fork.folder.parent
        if self.rerun is not None and self.rerun.config.parent:
            return self.rerun.run.path.parent
        return root

    def keep_left(self, choice: Choice) -> None:
        """Remember a choice that was left without a start, if it can be trained."""
        if self.new:
            with suppress(UserError):  # what cannot be trained is not worth coming back to
                choice.plans()
                last_choice.keep(choice)

    def keep_started(self, choice: Choice) -> None:
        """Remember a choice that was started, unless it is another run's, changed."""
        if self.new:
            last_choice.keep(choice)


def _has_entries(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return next(entries, None) is not None
    return False
