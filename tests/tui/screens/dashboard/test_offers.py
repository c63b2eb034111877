"""The footer offers what can be done now with the run at hand, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.events import CheckpointSaved, RunStarted, StateChanged
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir, Status
from support.dashboards import commands, dashboard, running
from support.foreign_runs import LOGS
from support.seen import rows, text, until, until_shown
from tui.choices.fork import Fork
from tui.runs.foreign import sniff
from tui.runs.state.store import RunState
from tui.screens import fork_resume_rerun
from tui.screens.dashboard.offered_actions import STEERING, offered, possible
from tui.screens.dashboard.screen import DashboardScreen
from tui.screens.launch.screen import LaunchScreen

ACTIVE: tuple[Status, ...] = ("queued", "starting", "running", "paused", "stalled", "unreachable")
ENDED: tuple[Status, ...] = ("done", "stopped", "failed", "crashed")


def state(status: Status, *, task: str = "classification", fork: bool = True) -> RunState:
    made = RunState(run=RunDir(Path("runs/r")))
    started = {"config": {}, "device": "cpu", "num_parameters": 1, "samples": {}, "task": task}
    made.apply(RunStarted(planned_steps=6, steps_per_epoch=2, **started))
    if fork:
        saved_one = {"name": "step-00000006", "reason": "end", "bytes": 1, "finite": True}
        made.apply(CheckpointSaved(step=6, **saved_one))
    if status == "paused":
        made.apply(StateChanged(state="paused", step=6, reason=""))
    made.status = status
    return made


def saved(run: RunDir) -> RunDir:
    """Let the log of a run say that it has a checkpoint."""
    log = LogWriter(run.events_path)
    log.append(CheckpointSaved(step=120, name="step-00000120", reason="end", bytes=1, finite=True))
    log.close()
    return run


@pytest.mark.parametrize("status", ACTIVE)
def test_a_run_at_work_is_steered(status: Status) -> None:
    steered = {"pause", "stop", "checkpoint", "lr", "clip", "extend", "again"}
    assert possible(state(status)) == steered | {"fork"}
    assert possible(state(status, fork=False)) == steered


@pytest.mark.parametrize("status", ENDED)
def test_a_run_that_ended_is_gone_on_with(status: Status) -> None:
    resumed = set() if status == "done" else {"resume_run"}
    assert possible(state(status)) == {"fork", "extend", "again"} | resumed
    assert possible(state(status, fork=False)) == {"again"} | resumed
    assert offered(state(status), "extend", "Epochs") == "Train longer"


@pytest.mark.parametrize("status", [*ACTIVE, *ENDED])
def test_a_loop_of_the_users_is_asked_what_it_accepts(status: Status) -> None:
    made = state(status, task="open")
    at_work = status in ACTIVE
    assert possible(made) == ({"stop"} if at_work else set())
    assert made.started is not None
    for accepts, keys in (
        (["stop", "pause"], {"stop", "pause"}),
        (["lr"], {"lr"}),
        (["stop", "temperature"], {"stop", "lr"}),
        (["stop", "checkpoint", "profile"], {"stop", "checkpoint"}),
    ):
        made.started = RunStarted(
            config={},
            device="cpu",
            num_parameters=1,
            planned_steps=None,
            steps_per_epoch=None,
            samples={},
            task="open",
            accepts=accepts,
        )
        assert possible(made) == (keys if at_work else set())


def test_a_paused_run_may_go_on() -> None:
    assert offered(state("paused"), "pause", "Pause") == "Go on"
    assert offered(state("running"), "pause", "Pause") == "Pause"
    assert offered(state("running"), "page(1)", "Layers") == "Layers"


def test_all_that_is_possible_is_known_as_an_action() -> None:
    for status in (*ACTIVE, *ENDED):
        assert possible(state(status)) <= STEERING


async def test_the_footer_of_a_finished_run(
    recorded: Callable[..., list[RunDir]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork(run: RunDir, label: str) -> Fork:
        return Fork(run.path.absolute(), "step-00000120", 120, run.config(), label)

    monkeypatch.setattr(fork_resume_rerun, "fork_of", fork)
    app = dashboard(saved(*recorded("adam")))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await until(pilot, lambda: "Train longer" in rows(app)[-1])
        for word in ("Pause", "Stop", "Save", "Lr", "Clip", "Resume"):
            assert f" {word} " not in rows(app)[-1]
        assert "Fork" in rows(app)[-1]
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await until_shown(pilot, "from step 120 of adam")
        assert app.focused is not None
        assert app.focused.id == "length"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


async def test_the_footer_follows_the_selected_run(
    active: RunDir, recorded: Callable[..., list[RunDir]]
) -> None:
    app = dashboard(active, saved(*recorded("adam")))
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await until(pilot, lambda: " Pause " in rows(app)[-1])
        await pilot.press("j")
        await until(pilot, lambda: "Train longer" in rows(app)[-1])
        assert " Pause " not in rows(app)[-1]


async def test_a_foreign_log_offers_nothing_that_steers(terminal_environment: None) -> None:
    app = dashboard(*sniff.open_source(LOGS / "keras.csv"))
    async with running(app) as pilot:
        await until(pilot, lambda: " Runs " in rows(app)[-1])
        for word in ("Pause", "Stop", "Save", "Lr", "Clip", "Epochs", "Fork", "Resume", "Again"):
            assert f" {word} " not in rows(app)[-1]


@pytest.mark.parametrize(
    ("key", "now"), [("l", "now 0.001; "), ("g", "now norm 1; "), ("e", "now 6 steps; ")]
)
async def test_a_question_says_what_is_in_force(active: RunDir, key: str, now: str) -> None:
    app = dashboard(active)
    async with running(app) as pilot:
        await until_shown(pilot, "running")
        await pilot.press(key)
        await until_shown(pilot, now)
        assert commands(active) == []
        assert now in text(app).splitlines()[-2]
