"""From a race to its single runs: which to watch on the dashboard, and one to train for longer."""

from engine.race import spec
from engine.race.directory import RaceDir
from engine.race.plan import finals
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.choices.rerun import Rerun
from tui.races.view import RaceView


def begun(race: RaceDir, view: RaceView) -> list[RunDir]:
    """The lanes' runs of seed 0 that have begun. Raises UserError if there are none."""
    planned = [run for run in finals(view.news.spec) if run.number == 0]
    runs = [race.run(run.name) for run in planned]
    if found := [run for run in runs if run.config_path.is_file()]:
        return found
    raise UserError("no run of seed 0 has begun yet")


def longer(race: RaceDir, view: RaceView) -> Rerun:
    """A longer run with the settings of the selected lane, the tuned learning rate included.

    Raises ConfigError.
    """
    lane = view.news.spec.lanes[view.selected]
    lr = view.news.lanes[view.selected].tuned_lr
    changes = {} if lr is None else {"optimizer__lr": lr}
    config = spec.longer(lane.run_config(**changes))
    runs = finals(view.news.spec)
    run = race.run(next(run.name for run in runs if run.lane == view.selected))
    return Rerun(run, f"{lane.label} of the race, made longer", config, (run,))
