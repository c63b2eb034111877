"""Alerts: each once when it happens, and none of a run that goes its noisy way."""

import json
import math
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from engine.runs.events import Evaluation, Restarted, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir
from presets import ConfigError
from presets.convert import convert
from presets.userconfig import AlertKind, Alerts, UserConfig
from support.recorded import FIXTURES
from tui.runs.alerts import notify
from tui.runs.alerts.alerts import LETTERS, Alert, Watch
from tui.runs.alerts.detectors import CLIPPED_STEPS, EARLY_STEPS, Cursor
from tui.runs.alerts.open_alerts import OpenAlerts, Unseen
from tui.runs.points.series import Series
from tui.runs.state.store import RunState

ALERT = Alert(kind="nan", level="error", run="r", step=7, text="train/loss is nan")


def run_state(**config: object) -> RunState:
    state = RunState(run=RunDir(Path("runs/a")), status="running")
    state.apply(
        RunStarted(
            config=config,
            device="cpu",
            num_parameters=1,
            planned_steps=10_000,
            steps_per_epoch=100,
            samples={},
        )
    )
    return state


def columns(first: int, **values: list) -> Scalars:
    names = {
        "loss": "train/loss",
        "norm": "grad_norm",
        "clipped": "clipped",
        "scale": "scaler/scale",
    }
    length = len(next(iter(values.values())))
    steps = list(range(first, first + length))
    return Scalars(
        step=steps,
        seconds=[0.0] * length,
        values={names[key]: list(v) for key, v in values.items()},
    )


def found(state: RunState, *events: object, limits: Alerts | None = None) -> list[tuple[str, int]]:
    """Kind and step of every alert while these events arrive one by one."""
    watch = Watch(limits or Alerts())
    alerts = []
    for event in events:
        state.apply(event)
        alerts += watch.check(state)
    return [(alert.kind, alert.step) for alert in alerts]


def falling(steps: int, noise: float, seed: int = 0, end: float = 0.2) -> list[float]:
    """A training loss as it often looks."""
    random = np.random.default_rng(seed)
    curve = end + 2.1 * np.exp(-np.arange(steps) / (steps / 6))
    return list(curve * random.lognormal(0, noise, steps))


def split(event: Scalars, size: int) -> list[Scalars]:
    return [
        Scalars(
            step=event.step[at : at + size],
            seconds=event.seconds[at : at + size],
            values={name: column[at : at + size] for name, column in event.values.items()},
        )
        for at in range(0, len(event.step), size)
    ]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0, 0.8), size=st.integers(1, 400))
def test_a_noisy_run_that_learns_raises_nothing(seed: int, noise: float, size: int) -> None:
    random = np.random.default_rng(seed)
    norms = list(random.lognormal(0, 0.5, 1200) * (1 + 3 * np.exp(-np.arange(1200) / 100)))
    clipped = list((np.array(norms) > 1).astype(float))
    event = columns(1, loss=falling(1200, noise, seed), norm=norms, clipped=clipped)
    assert found(run_state(), *split(event, size)) == []


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_recorded_runs_raise_nothing_but_their_end(name: str) -> None:
    state, watch, kinds = RunState(run=RunDir(FIXTURES / name)), Watch(Alerts()), []
    reader = LogReader(state.run.events_path)
    while events := reader.read():
        for event in events:
            state.apply(event)
            kinds += [alert.kind for alert in watch.check(state)]
    assert state.step > 100
    assert kinds == ["finished"]


@pytest.mark.parametrize("metric", ["loss", "norm"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_not_finite_is_told_once_until_it_was_calm(metric: str, value: str) -> None:
    good, bad = [1.0] * 200, [value]
    series = {metric: [*good, *bad * 5, *good, *bad, *bad]}
    assert found(run_state(), *split(columns(1, **series), 7)) == [("nan", 201), ("nan", 406)]
    assert found(run_state(), columns(1, **series)) == [("nan", 201), ("nan", 406)]


def test_an_overflow_that_a_loss_scaler_takes_care_of_is_no_alert() -> None:
    event = columns(1, loss=[1.0] * 3, norm=[1.0, "inf", 1.0], scale=[2.0] * 3)
    assert found(run_state(), event) == []


@pytest.mark.parametrize("size", [1, 13, 1000])
def test_a_loss_that_comes_back_up_diverges_once(size: int) -> None:
    down = falling(400, 0.1)
    up = [0.2 + 0.02 * step for step in range(200)]
    events = split(columns(1, loss=[*down, *up, *[0.2] * 200, *up]), size)
    kinds = found(run_state(), *events)
    assert [kind for kind, _ in kinds] == ["divergence", "divergence"]
    assert 440 <= kinds[0][1] <= 500
    assert 840 <= kinds[1][1] <= 900


def test_a_rate_that_is_much_too_large_diverges_from_the_start() -> None:
    loss = [2.3 * 1.05**step for step in range(100)]
    assert found(run_state(), columns(1, loss=loss)) == [("divergence", 40)]
    spiked = [4.6, 5.0, *[90.0] * 4, *[20.0] * 14, *[9.0] * 100]
    assert found(run_state(), columns(1, loss=spiked)) == [("divergence", 40)]


def test_a_long_past_is_averaged_more_coarsely_and_told_too() -> None:
    loss = [*falling(50_000, 0.1), *[9.0] * 50_000]
    ((kind, step),) = found(run_state(), columns(1, loss=loss))
    assert kind == "divergence"
    assert 50_000 < step < 51_000


def test_a_restart_is_no_divergence() -> None:
    state = run_state()
    before = columns(1, loss=falling(400, 0.1))
    again = columns(101, loss=falling(400, 0.1)[100:])
    restarted = Restarted(step=100, checkpoint="", attempt=1, reason="resume")
    assert found(state, before, restarted, again) == []


def test_gradients_explode_once_however_long_they_rise() -> None:
    calm = [1.0, 0.5] * 50
    rising = [20.0, 300.0, 4000.0, 50_000.0]
    assert found(run_state(), *split(columns(1, norm=calm + rising), 1)) == [("explosion", 101)]
    early = [1e-3, 5.0, *calm]
    assert found(run_state(), columns(1, norm=early)) == []


def test_clipping_at_nearly_every_step_is_told_once_and_again_after_a_pause() -> None:
    on, off = [1.0] * (EARLY_STEPS + CLIPPED_STEPS), [0.0] * CLIPPED_STEPS
    events = split(columns(1, clipped=[*on, *off, *on]), 10)
    kinds = found(run_state(), *events, limits=Alerts(clipped_share=0.99))
    assert kinds[0] == ("clipping", EARLY_STEPS + CLIPPED_STEPS)
    assert [kind for kind, _ in kinds] == ["clipping", "clipping"]
    half = split(columns(1, clipped=[1.0, 0.0] * 500), 10)
    assert found(run_state(), *half, limits=Alerts(clipped_share=0.99)) == []
    assert found(run_state(), *events) == []
    assert found(run_state(), *half, limits=Alerts(clipped_share=0.4))[0][0] == "clipping"


def evaluations(values: list[float]) -> list[Evaluation]:
    return [
        Evaluation(split="val", step=10 * at, epoch=at, seconds=0.0, values={"loss": value})
        for at, value in enumerate(values, 1)
    ]


def test_a_plateau_needs_patience_and_half_of_the_run() -> None:
    improving = [1 / at for at in range(1, 31)]
    assert found(run_state(), *evaluations(improving + [1.0] * 29)) == []
    flat = evaluations(improving + [1.0] * 60)
    assert found(run_state(), *flat) == [("plateau", 600)]
    assert found(run_state(), *evaluations([1.0] * 20)) == []
    assert found(run_state(), *evaluations([1.0] * 30)) == [("plateau", 210)]
    assert found(run_state(), *evaluations([math.nan] * 12)) == []


def test_a_target_is_reached_once() -> None:
    state = run_state(target="val/loss <= 0.25")
    assert found(state, *evaluations([1, 0.3, 0.25, 0.2])) == [("target", 30)]
    assert found(run_state(target="nonsense"), *evaluations([1.0])) == []
    assert found(run_state(target=["val"]), *evaluations([1.0])) == []


def test_stalls_and_ends_follow_the_status() -> None:
    state, watch = run_state(), Watch(Alerts())
    kinds = []
    for status in ("running", "stalled", "stalled", "running", "stalled", "crashed", "crashed"):
        state.status, state.detail = status, "alive, no progress for 31 s"
        kinds.append([(alert.kind, alert.level) for alert in watch.check(state)])
    stall = [("stall", "warning")]
    assert kinds == [[], stall, [], [], stall, [("finished", "error")], []]


def test_kinds_can_be_switched_off() -> None:
    event = columns(1, loss=["nan"])
    assert found(run_state(), event, limits=Alerts(off=("nan",))) == []


def test_each_point_is_read_once() -> None:
    series, cursor, read = Series(), Cursor(), []
    for first in range(0, 100, 7):
        series.extend(range(first, first + 7), [0.0] * 7)
        read += cursor.new(series)[0].tolist()
    assert read == series.steps.tolist()
    series.truncate(50)
    assert cursor.new(series)[0].tolist() == []
    assert cursor.rewound
    series.extend([51], [0.0])
    assert cursor.new(series)[0].tolist() == [51]
    assert not cursor.rewound


def test_what_was_before_is_listed_and_not_told() -> None:
    state, opened = run_state(), OpenAlerts(Alerts(), opened_at=1000.0)
    old = Scalars(time=900.0, step=[1], seconds=[0.0], values={"train/loss": ["nan"]})
    state.apply(old)
    assert opened.check(state, [old], now=1000.1) == []
    assert [(entry.past, entry.time) for entry in opened.entries] == [(True, 900.0)]
    assert not opened.unseen
    end = RunEnded(time=1001.0, status="failed", reason="all", step=1, seconds=0.0)
    state.apply(end)
    assert [alert.kind for alert in opened.check(state, [end], now=1001.1)] == ["finished"]
    assert opened.unseen == Unseen(1, "F", "error")
    opened.seen()
    assert not opened.unseen


def test_a_good_end_is_no_alert_and_kinds_have_letters_of_their_own() -> None:
    state, opened = run_state(), OpenAlerts(Alerts(), opened_at=1000.0)
    end = RunEnded(time=1001.0, status="done", reason="all", step=1, seconds=0.0)
    state.apply(end)
    (told,) = opened.check(state, [end], now=1001.1)
    assert told.is_news
    assert (list(opened.entries), opened.unseen) == ([], Unseen())
    assert len(set(LETTERS.values())) == len(LETTERS) == len(get_args(AlertKind))


@pytest.mark.parametrize(("later", "told"), [(0.2, []), (60.0, ["finished"])])
def test_a_crash_is_told_if_it_was_alive_when_we_came(later: float, told: list[str]) -> None:
    state, opened = run_state(), OpenAlerts(Alerts(), opened_at=1000.0)
    event = Scalars(time=900.0, step=[1], seconds=[0.0], values={"train/loss": [1.0]})
    state.apply(event)
    opened.check(state, [event], now=1000.1)
    state.status = "crashed"
    assert [alert.kind for alert in opened.check(state, [], now=1000.1 + later)] == told
    assert len(opened.entries) == 1


def test_what_another_programs_log_says_already_is_not_told() -> None:
    state, opened = run_state(), OpenAlerts(Alerts(), opened_at=1000.0)
    state.apply(structs.replace(state.started, time=500.0))
    old = Scalars(time=1000.1, step=[1, 2], seconds=[0.0, 30.0], values={"train/loss": [1, "nan"]})
    state.apply(old)
    assert opened.check(state, [old], now=1000.1, earlier=True) == []
    assert [(entry.alert.step, entry.time, entry.past) for entry in opened.entries] == [
        (2, 530.0, True)
    ]
    state.status = "quiet"
    assert opened.check(state, [], now=1100.0) == []
    end = RunEnded(time=1101.0, status="done", reason="all", step=2, seconds=0.0)
    state.apply(end)
    told = opened.check(state, [end], now=1101.1)
    assert [(alert.kind, alert.step) for alert in told] == [("finished", 2)]


def test_bell_and_notification_only_when_asked_for_and_clean() -> None:
    assert notify.sequences(ALERT, "a", Alerts(), {}) == ""
    assert notify.sequences(ALERT, "a", Alerts(bell=True), {}) == "\a"
    said = notify.sequences(ALERT, "4;\x1b]52;c;x\a", Alerts(notify=True), {})
    assert said.startswith("\x1b]9;bigmodel-tui: 4;")
    assert said.endswith(": train/loss is nan\x1b\\")
    assert said.count("\x1b") == 2
    inside = notify.sequences(ALERT, "a", Alerts(notify=True), {"TMUX": "/tmp/tmux"})
    assert inside.startswith("\x1bPtmux;\x1b\x1b]9;")


def command(code: str, seconds: float = 30.0) -> Alerts:
    return Alerts(command=(sys.executable, "-c", code), command_seconds=seconds)


def test_the_command_finds_the_facts_and_no_shell(tmp_path: Path) -> None:
    target = tmp_path / "facts"
    code = (
        "import os, sys, json, pathlib; e = {k: v for k, v in os.environ.items() "
        "if k.startswith('BIGMODEL_ALERT')}; "
        f"pathlib.Path({str(target)!r}).write_text(json.dumps([e, json.load(sys.stdin)]))"
    )
    evil = Alert(kind="nan", level="error", run="r", step=7, text="$(touch x); `id`\n\x1b[31m")
    assert notify.run_command(command(code), evil, "a\x00b", "/runs/r") == ""
    environment, facts = json.loads(target.read_text())
    assert environment == {
        "BIGMODEL_ALERT": "nan",
        "BIGMODEL_ALERT_RUN": "r",
        "BIGMODEL_ALERT_NAME": "a\ufffdb",
        "BIGMODEL_ALERT_STEP": "7",
        "BIGMODEL_ALERT_TEXT": "$(touch x); `id` \ufffd[31m",
        "BIGMODEL_ALERT_FOLDER": "/runs/r",
    }
    assert facts["step"] == 7


def test_a_command_that_fails_is_one_line() -> None:
    def said(config: Alerts) -> str:
        return notify.run_command(config, ALERT, "a", "/runs/r")

    assert said(Alerts(command=("/no/such/program",))).endswith(
        "cannot be run (No such file or directory)"
    )
    assert said(command("import sys; sys.exit('no\\nway')")).endswith("status 1 way")
    assert said(command("import time; time.sleep(60)", seconds=0.2)).endswith("ended after 0.2 s")


def test_commands_run_one_after_another_and_too_many_are_said(tmp_path: Path) -> None:
    target = tmp_path / "steps"
    code = f"import os; open({str(target)!r}, 'a').write(os.environ['BIGMODEL_ALERT_STEP'] + ' ')"
    complaints: list[str] = []
    commands = notify.Commands(command(code), complaints.append)
    for step in (1, 2, 3):
        alert = Alert(kind="nan", level="error", run="r", step=step, text="")
        commands.add(alert, "a", "/runs/r")
    commands.finish()
    assert target.read_text() == "1 2 3 "
    assert complaints == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"off": ["nans"]}, "alerts.off[0]: expected one of nan, divergence"),
        ({"divergence_share": 0}, "alerts.divergence_share: expected a number > 0"),
        ({"explosion_factor": 1}, "alerts.explosion_factor: expected a number > 1"),
        ({"command": "curl x"}, "alerts.command: expected a list"),
        ({"command": [" "]}, "alerts: command: expected a program first"),
        ({"beep": True}, "alerts.beep: unknown key; allowed: "),
    ],
)
def test_settings_are_strict(given: dict, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        convert({"alerts": given}, UserConfig)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
