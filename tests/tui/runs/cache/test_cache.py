"""The cache of columns: a state from it equals the state from the log, or it is not used."""

import dataclasses
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.runs.events import (
    CommandAnswered,
    Evaluation,
    Gap,
    Layers,
    LogLine,
    Restarted,
    RunEnded,
    Scalars,
    encode,
)
from engine.runs.run_directory import RunDir
from support.recorded import record
from tui.runs import loading
from tui.runs.cache import column_cache, snapshot
from tui.runs.follower import Follower, merged
from tui.runs.points.series import Series
from tui.runs.state.store import RunState


@pytest.fixture(autouse=True)
def _kept_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(column_cache, "MIN_BYTES", 1)


def opened(run: RunDir) -> tuple[RunState, bool]:
    """The state of a run as `loading.load` has it, and whether the cache had a part in it."""
    state, follower, used = loading.open_state(run), Follower(run), False
    while news := follower.poll():
        loading.apply(state, news)
        used |= news.kept is not None
        if not news.events:
            break
    return state, used


def facts(state: RunState) -> dict[str, object]:
    """All of a state in a form that can be compared."""

    def plain(value: object) -> object:
        if isinstance(value, Series):
            return value.steps.tolist(), np.where(
                np.isnan(value.values), None, value.values
            ).tolist()
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return repr(value)

    fields = dataclasses.fields(RunState)
    return {field.name: plain(getattr(state, field.name)) for field in fields}


def same_without_cache(run: RunDir, state: RunState) -> None:
    path = column_cache.path_of(run.events_path)
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    fresh, used = opened(run)
    assert not used
    assert facts(fresh) == facts(state)
    if kept is not None:
        path.write_bytes(kept)
        path.chmod(0o600)


def append(run: RunDir, *lines: bytes) -> None:
    with run.events_path.open("ab") as file:
        file.writelines(lines)


def scalars(first: int, count: int, stride: int = 1) -> bytes:
    steps = [first + stride * index for index in range(count)]
    values = {"train/loss": [1 / step if step % 7 else "nan" for step in steps]}
    return encode(Scalars(step=steps, seconds=[step / 8 for step in steps], values=values))


def test_the_second_opening_maps_what_the_first_one_read(tmp_path: Path) -> None:
    run = record(tmp_path, "r", steps=50)
    loading.load(run)
    assert column_cache.path_of(run.events_path).stat().st_mode & 0o777 == 0o600
    state, used = opened(run)
    assert used
    assert state.step == 50
    same_without_cache(run, state)


def test_recorded_runs_come_back_whole(recorded: Callable[..., list[RunDir]]) -> None:
    for run in recorded("adam", "failed", "damaged"):
        loading.load(run)
        state, used = opened(run)
        assert used
        same_without_cache(run, state)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("scalars"), st.integers(1, 40), st.sampled_from([1, 1, 3])),
        st.tuples(st.just("restart"), st.integers(0, 60), st.just(0)),
        st.tuples(st.sampled_from(["damage", "unknown", "command", "log"]), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(["evaluation", "layers", "gap", "end"]), st.just(0), st.just(0)),
    ),
    max_size=12,
)


def lines_of(events: list[tuple[str, int, int]]) -> list[bytes]:
    step, lines = 0, []
    for kind, count, stride in events:
        match kind:
            case "scalars":
                lines.append(scalars(step + 1, count, stride))
                step += count * stride
            case "restart":
                step = min(step, count)
                restarted = Restarted(step=step, checkpoint="", attempt=1, reason="resume")
                lines.append(encode(restarted))
            case "damage":
                lines.append(b'{"kind":"log","crc":"00000000"}\n')
            case "unknown":
                lines.append(encode(LogLine(level="info", message="x")).replace(b"log", b"gol"))
            case "command":
                arguments = {"lr": 0.1, "odd": [1, None, "x"]}
                lines.append(
                    encode(
                        CommandAnswered(
                            id="a", command="set", arguments=arguments, outcome="applied", step=step
                        )
                    )
                )
            case "log":
                lines.append(encode(LogLine(level="info", message=f"at {step} \u2603")))
            case "evaluation":
                values = {"loss": "inf", "accuracy": 0.5}
                lines.append(
                    encode(Evaluation(split="val", step=step, epoch=1, seconds=1, values=values))
                )
            case "layers":
                lines.append(
                    encode(
                        Layers(
                            step=step,
                            names=["a"],
                            values={"x": ["nan"]},
                            totals={"noise_scale": 2.0},
                        )
                    )
                )
            case "gap":
                lines.append(encode(Gap(records=2, first_step=step, last_step=step, reason="full")))
            case "end":
                lines.append(encode(RunEnded(status="done", reason="", step=step, seconds=1)))
    return lines


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EVENTS, st.integers(0, 12), st.integers(0, 2**31))
def test_a_log_that_grew_since_gives_the_same_state(
    tmp_path: Path, events: list, cut: int, name: int
) -> None:
    run = record(tmp_path, f"r{name}-{len(list(tmp_path.iterdir()))}", steps=4, status=None)
    lines = lines_of(events)
    append(run, *lines[:cut])
    loading.load(run)
    append(run, *lines[cut:], b'{"kind":"log", not yet')
    state, used = opened(run)
    assert used
    same_without_cache(run, state)


def replaced(run: RunDir) -> None:
    """Another log of the same length, at the same place."""
    data = run.events_path.read_bytes()
    run.events_path.write_bytes(data.replace(b'"r"', b'"q"'))
    with run.events_path.open("r+b") as file:
        file.seek(-300, os.SEEK_END)
        file.write(b"X" * 100)


def shortened(run: RunDir) -> None:
    os.truncate(run.events_path, run.events_path.stat().st_size - 400)


def cache_cut(run: RunDir) -> None:
    path = column_cache.path_of(run.events_path)
    os.truncate(path, path.stat().st_size - 1)


def cache_garbled(run: RunDir) -> None:
    """A bit of a value, not of the head."""
    path = column_cache.path_of(run.events_path)
    data = bytearray(path.read_bytes())
    kept = column_cache.load(run.events_path)
    assert kept is not None
    place = data.find(kept.series["train/loss"].values[:4].tobytes())
    data[place + 3] ^= 4
    path.write_bytes(data)


def cache_of_others(run: RunDir) -> None:
    column_cache.path_of(run.events_path).chmod(0o666)


def cache_is_a_pipe(run: RunDir) -> None:
    path = column_cache.path_of(run.events_path)
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "spoil",
    [replaced, shortened, cache_cut, cache_garbled, cache_of_others, cache_is_a_pipe],
)
def test_what_does_not_fit_is_not_used(spoil: Callable[[RunDir], None], tmp_path: Path) -> None:
    run = record(tmp_path, "r", steps=50)
    loading.load(run)
    assert opened(run)[1]
    spoil(run)
    state, used = opened(run)
    assert not used
    assert state.started is not None


def test_what_other_code_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record(tmp_path, "r", steps=50)
    loading.load(run)
    monkeypatch.setattr(snapshot, "code_hash", lambda: b"another")
    assert column_cache.load(run.events_path) is None


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    state = loading.load(record(tmp_path, "r", steps=50))
    assert state.step == 50


def test_a_run_that_goes_on_does_not_change_the_file(tmp_path: Path) -> None:
    run = record(tmp_path, "r", steps=50, status=None)
    loading.load(run)
    first, second = opened(run)[0], opened(run)[0]  # two dashboards on the same file
    before = column_cache.path_of(run.events_path).read_bytes()
    first.apply(Scalars(step=[51, 52], seconds=[1, 2], values={"train/loss": [5.0, math.inf]}))
    assert column_cache.path_of(run.events_path).read_bytes() == before
    assert second.metrics["train/loss"].steps[-1] == 50
    second.apply(Restarted(step=10, checkpoint="", attempt=1, reason="resume"))
    second.apply(Scalars(step=[11], seconds=[1], values={"train/loss": [7.0]}))
    assert first.metrics["train/loss"].values[9:11].tolist() == [1 / 10, 1 / 11]
    assert first.metrics["train/loss"].steps[-2:].tolist() == [51, 52]


def test_what_was_not_opened_for_long_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for index in range(3):
        run = record(tmp_path, f"r{index}", steps=50)
        loading.load(run)
        paths.append(column_cache.path_of(run.events_path))
        os.utime(paths[-1], (index, index))
    size = paths[0].stat().st_blocks * 512
    monkeypatch.setattr(column_cache, "MAX_BYTES", int(3.5 * size))
    assert opened(RunDir(tmp_path / "r0"))[1]  # of use now
    run = record(tmp_path, "r3", steps=50)
    loading.load(run)
    assert [path.exists() for path in paths] == [True, False, True]


def test_columns_next_to_each_other_are_one() -> None:
    first = Scalars(step=[1], seconds=[1.0], values={"a": [1.0]})
    second = Scalars(step=[2], seconds=[2.0], values={"a": ["nan"]})
    other = Scalars(step=[3], seconds=[3.0], values={"b": [1.0]})
    line = LogLine(level="info", message="x")
    joined, *rest = merged([first, second, line, other, first])
    assert (joined.step, joined.seconds, joined.values) == ([1, 2], [1.0, 2.0], {"a": [1.0, "nan"]})
    assert rest == [line, other, first]
    assert (first.step, first.values) == ([1], {"a": [1.0]})
