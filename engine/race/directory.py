"""Race directories: created, listed, found, extended."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.runs.run_directory import RunDir, matching
from engine.runs.safe_file_access import check_root, new_folder, open_regular, replace_file
from presets import ConfigError, UserError
from presets.convert import convert

if TYPE_CHECKING:
    from engine.race.spec import RaceSpec

MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class RaceDir:
    """The files of one race; the directory is the truth about it.

    races/20261125-021530-digits-4f1c/
      race.json      the race: lanes, tier, seeds, budget, target
      runs/          an ordinary run directory for each trial and each final run
      control/ lock engine.log   of its process, as those of a run
    """

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def spec_path(self) -> Path:
        return self.path / "race.json"

    @property
    def runs_path(self) -> Path:
        return self.path / "runs"

    @property
    def process(self) -> RunDir:
        """The lock, control folder and output of the race's process, which are those of a run."""
        return RunDir(self.path)

    def run(self, name: str) -> RunDir:
        """The directory of one of the race's runs, by name."""
        return RunDir(self.runs_path / name)

    def spec(self) -> RaceSpec:
        """The race as it was set up. Raises ConfigError, naming the file and the key."""
        from engine.race.spec import RaceSpec  # whoever looks for a run needs no race's settings

        try:
            with open_regular(self.spec_path) as file:
                data = msgspec.json.decode(file.read(MAX_BYTES))
        except OSError as error:
            raise ConfigError(f"{self.spec_path}: cannot be read ({error.strerror})") from None
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ConfigError(f"{self.spec_path}: {str(error).splitlines()[0]}") from None
        try:
            return convert(data, RaceSpec)
        except ConfigError as error:
            raise ConfigError(f"{self.spec_path}: {error}") from None

    def write(self, spec: RaceSpec) -> None:
        """Write another race in its place, with more seeds or lanes. Raises UserError."""
        try:
            replace_file(self.spec_path, _encoded(spec))
        except OSError as error:
            raise UserError(f"{self.spec_path}: cannot be written ({error.strerror})") from None


def _encoded(spec: RaceSpec) -> bytes:
    return msgspec.json.format(msgspec.json.encode(spec))


def races_root(runs_root: Path) -> Path:
    """The folder of the races, beside the runs."""
    return runs_root / "races"


def create(runs_root: Path, spec: RaceSpec) -> RaceDir:
    """Make the directory of a new race. Raises UserError."""
    about = spec.lanes[0].run_config().dataset.name
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{re.sub('[^A-Za-z0-9-]', '-', about)}"
    race = RaceDir(races_root(runs_root) / f"{name}-{secrets.token_hex(2)}")
    try:
        for folder in (runs_root, races_root(runs_root)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_root(folder)
        with new_folder(race.path) as draft:
            made = RaceDir(draft)
            for folder in (made.runs_path, made.process.control_path):
                folder.mkdir(mode=0o700)
            replace_file(made.spec_path, _encoded(spec))
    except OSError as error:
        raise UserError(f"{race.path}: cannot be written ({error.strerror})") from None
    return race


def list_races(runs_root: Path) -> list[RaceDir]:
    """All races, oldest first; none if there is no folder of them. Raises UserError."""
    folder = races_root(runs_root)
    try:
        check_root(folder)
        found = [
            RaceDir(path)
            for path in folder.iterdir()
            if (path / "race.json").is_file() and not path.name.startswith(".")
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None
    return sorted(found, key=lambda race: race.id)


def find(runs_root: Path, name: str) -> RaceDir:
    """The race with this path, id, or unique beginning of an id. Raises UserError."""
    if "/" in name or name in (".", ".."):
        race = RaceDir(Path(name).absolute())
        if race.spec_path.is_file():
            return race
        raise UserError(f"{name}: not a race directory (no race.json in it)")
    races = list_races(runs_root)
    matches = matching(races, name)
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(race.id for race in (matches or races)[-4:]) or "none yet"
    problem = "is ambiguous" if matches else "does not exist"
    raise UserError(f"race {name!r} {problem} in {races_root(runs_root)}; newest: {known}")
