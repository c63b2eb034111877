"""The state of a run: what it becomes from events, thinning, labels, and following a log."""

import math
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import configure
from engine.runs import run_directory
from engine.runs.events import (
    CommandAnswered,
    Evaluation,
    LogLine,
    RunEnded,
    RunStarted,
    Scalars,
    encode,
)
from engine.runs.log_reader import LogWriter
from engine.runs.run_directory import RunDir
from presets.schema import plain
from support.recorded import record
from tui.plots.smoothing import Average
from tui.runs import loading
from tui.runs.follower import Follower
from tui.runs.labels import labels
from tui.runs.points import series
from tui.runs.points.series import Series
from tui.runs.state.store import MAX_LOG_LINES, RunState


def state() -> RunState:
    return RunState(run=RunDir(Path("runs/a")))


def started(planned_steps: int = 100) -> RunStarted:
    return RunStarted(
        config={"seed": 3},
        device="cpu",
        num_parameters=10,
        planned_steps=planned_steps,
        steps_per_epoch=10,
        samples={"train": 320, "val": 1, "test": 1},
    )


def scalars(steps: list[int], **values: list) -> Scalars:
    return Scalars(step=steps, seconds=[s / 10 for s in steps], values=values)


def test_a_run_that_nothing_is_known_of() -> None:
    run = state()
    assert (run.id, run.step, run.elapsed, run.remaining) == ("a", 0, 0.0, None)
    assert run.last("train/loss") is None
    assert run.best("train/loss") is None
    assert run.clipped_share() is None
    assert run.outcome() == ""
    assert run.active


def test_columns_become_series_and_progress() -> None:
    run = state()
    run.apply(started())
    run.apply(scalars([1, 2], loss=[2.0, 1.0]))
    run.apply(scalars([3, 4, 5], loss=["nan", "inf", 3.0], lr=[0.1, 0.1, 0.1]))
    loss = run.metrics["loss"]
    assert loss.steps.tolist() == [1, 2, 3, 4, 5]
    assert loss.values[:2].tolist() == [2.0, 1.0]
    assert math.isnan(loss.values[2])
    assert loss.values[3] == math.inf
    assert run.metrics["lr"].steps.tolist() == [3, 4, 5]
    assert (run.step, run.elapsed) == (5, 0.5)
    assert run.remaining == pytest.approx(9.5)
    assert run.best("loss") == (2, 1.0)
    assert run.last("loss") == 3.0
    assert run.config == {"seed": 3}


def test_evaluations_are_named_after_their_split() -> None:
    run = state()
    for step, accuracy in ((10, 0.5), (20, 0.9), (30, 0.9), (40, "nan")):
        values = {"accuracy": accuracy, "loss": 1.0}
        run.apply(Evaluation(split="val", step=step, epoch=1, seconds=1, values=values))
    assert run.best("val/accuracy") == (20, 0.9)  # the first of equals
    assert math.isnan(run.last("val/accuracy") or 0)
    assert run.step == 0  # an evaluation is not a step


def test_the_share_of_clipped_steps_is_of_the_last_hundred() -> None:
    run = state()
    run.apply(scalars(list(range(1, 201)), clipped=[1.0] * 150 + [0.0] * 50))
    assert run.clipped_share() == 0.5
    assert run.clipped_share(window=50) == 0.0


def test_the_end_and_its_reason() -> None:
    run = state()
    run.apply(started())
    run.apply(scalars([1], loss=[1.0]))
    run.apply(RunEnded(status="failed", reason="out of memory", step=1, seconds=7.5))
    assert not run.active
    assert (run.outcome(), run.elapsed) == ("out of memory", 7.5)
    crashed = state()
    crashed.status = "crashed"
    assert crashed.outcome() == "the engine died without a word after step 0"


def test_the_log_is_bounded_and_commands_are_kept() -> None:
    run = state()
    for index in range(MAX_LOG_LINES + 10):
        run.apply(LogLine(level="info", message=str(index)))
    run.apply(CommandAnswered(id="x", command="stop", outcome="applied", step=3))
    assert len(run.log) == MAX_LOG_LINES
    assert run.log[0].message == "10"
    assert [command.step for command in run.commands] == [3]


CHUNKS = st.lists(st.lists(st.floats(allow_nan=False), max_size=300), max_size=6)


@given(CHUNKS)
def test_a_series_holds_all_that_was_appended(chunks: list[list[float]]) -> None:
    grown, everything = Series(), [value for chunk in chunks for value in chunk]
    step = 0
    for chunk in chunks:
        grown.extend(range(step + 1, step + len(chunk) + 1), chunk)
        step += len(chunk)
    assert grown.values.tolist() == everything
    assert grown.steps.tolist() == list(range(1, len(everything) + 1))
    assert len(grown) == len(everything)
    finite = [value for value in everything if math.isfinite(value)]
    best = grown.best(largest=False)
    assert best == ((everything.index(min(finite)) + 1, min(finite)) if finite else None)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000).map(np.array),
    st.integers(2, 40),
)
def test_thinning_keeps_the_ends_the_minimum_and_the_maximum(y: np.ndarray, bins: int) -> None:
    x = np.arange(len(y), dtype=np.float64)
    thin_x, thin_y = series.thin(x, y, bins)
    assert len(thin_x) <= max(2 * bins + 2, 1)
    assert (np.diff(thin_x) > 0).all()
    assert (y[thin_x.astype(int)] == thin_y).all()
    assert (thin_y.min(), thin_y.max()) == (y.min(), y.max())
    assert (thin_x[0], thin_x[-1]) == (x[0], x[-1])


def test_smoothing_is_the_bias_corrected_average() -> None:
    source, smoothed = Series(), Average(beta=0.9)
    source.extend([1, 2, 3, 4, 5], [1.0, 2.0, "nan", 4.0, "inf"])
    second = (0.9 * 0.1 * 1 + 0.1 * 2) / (1 - 0.9**2)
    third = (0.9**2 * 0.1 * 1 + 0.9 * 0.1 * 2 + 0.1 * 4) / (1 - 0.9**3)
    result = smoothed.of(source)
    assert result.values == pytest.approx([1.0, second, second, third, third])
    assert result.steps.tolist() == source.steps.tolist()


def test_smoothing_of_nothing_finite_is_nothing() -> None:
    source = Series()
    source.extend([1, 2], ["nan", "-inf"])
    assert np.isnan(Average().of(source).values).all()


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 7))
def test_smoothing_what_grows_equals_smoothing_it_whole(values: list[float], size: int) -> None:
    whole, grown, smoothed = Series(), Series(), Average()
    whole.extend(range(len(values)), values)
    for begin in range(0, len(values), size):
        chunk = values[begin : begin + size]
        grown.extend(range(begin, begin + len(chunk)), chunk)
        smoothed.of(grown)
    # Sums of blocks that begin elsewhere differ in the last bits.
    np.testing.assert_allclose(
        smoothed.of(grown).values, Average().of(whole).values, rtol=1e-12, atol=1e-8
    )


def config(**settings: object) -> dict:
    optimizer = settings.pop("optimizer", None)
    return plain(configure.resolve(optimizer=optimizer, settings=settings))


def test_labels_name_the_optimizer_and_what_differs() -> None:
    assert labels([config()]) == ["adam"]
    assert labels([config(optimizer="sgd"), config(optimizer="adam")]) == ["sgd", "adam"]
    assert labels([config(**{"optimizer.lr": 0.1}), config(**{"optimizer.lr": 0.01})]) == [
        "adam lr=0.1",
        "adam lr=0.01",
    ]
    three = [config(seed=0), config(seed=0), config(seed=1)]
    assert labels(three) == ["adam", "adam", "adam seed=1"]
    assert labels([config(name="mine"), config()]) == ["mine", "adam"]
    assert labels([]) == []
    assert labels([{}, {"optimizer": 3}]) == ["?", "?"]


def test_a_finished_run_is_loaded_whole(tmp_path: Path) -> None:
    loaded = loading.load(record(tmp_path, "r", steps=6))
    assert (loaded.status, loaded.step, loaded.damaged) == ("done", 6, 0)
    assert loaded.metrics["val/accuracy"].steps.tolist() == [2, 4, 6]
    assert loaded.config["optimizer"]["name"] == "adam"


def test_following_a_log_gives_the_same_state_as_loading_it(tmp_path: Path) -> None:
    whole = record(tmp_path, "whole", steps=5)
    data = whole.events_path.read_bytes()
    grown = RunDir(tmp_path / "grown")
    grown.path.mkdir()
    grown.config_path.write_bytes(whole.config_path.read_bytes())
    follower, followed = Follower(grown), loading.open_state(grown)
    for end in range(0, len(data) + 1, 37):  # cuts lines anywhere
        grown.events_path.write_bytes(data[:end])
        while news := follower.poll():
            loading.apply(followed, news)
    grown.events_path.write_bytes(data)
    while news := follower.poll():
        loading.apply(followed, news)
    loaded = loading.load(whole)
    assert followed.damaged == 0
    assert (followed.status, followed.step) == (loaded.status, loaded.step)
    assert followed.metrics.keys() == loaded.metrics.keys()
    for name, values in loaded.metrics.items():
        assert followed.metrics[name].values.tolist() == values.values.tolist()


def test_news_come_once(tmp_path: Path) -> None:
    follower = Follower(record(tmp_path, "r"))
    news = follower.poll()
    assert news is not None
    assert (len(news.events), news.status) == (1 + 1 + 3 + 1 + 2, "done")
    assert follower.poll() is None


def test_a_garbled_line_is_skipped_and_counted(tmp_path: Path) -> None:
    run = record(tmp_path, "r", steps=4)
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"train/loss", b"train/lost")
    lines.insert(4, b"\x00\xff garbage \x1b[31m\n")
    run.events_path.write_bytes(b"".join(lines) + b'{"kind":"scal')  # and a torn end
    loaded = loading.load(run)
    assert loaded.damaged == 2
    assert loaded.metrics["train/loss"].steps.tolist() == [1, 3, 4]
    assert loaded.status == "done"


def test_a_run_without_an_end_is_running_while_its_lock_is_held(tmp_path: Path) -> None:
    run = record(tmp_path, "r", status=None)
    assert loading.load(run).status == "crashed"
    lock = run_directory.Lock(run)
    try:
        assert loading.load(run).status == "running"
    finally:
        lock.release()
    assert loading.load(run).status == "crashed"


def test_a_run_that_never_began(tmp_path: Path) -> None:
    run = run_directory.create(tmp_path, configure.resolve())
    made = loading.load(run)
    assert (made.status, made.step) == ("never started", 0)
    assert made.config["model"]["name"] == "mlp"


def test_a_configuration_from_another_version_does_not_hide_the_log(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    run.config_path.write_text("model: {from: the future}\n")
    assert loading.load(run).step == 6


def test_an_unknown_event_is_passed_over(tmp_path: Path) -> None:
    run = record(tmp_path, "r", status=None)
    line = encode(LogLine(level="info", message="x"))
    body = line[: line.rindex(b',"crc"')].replace(b'"kind":"log"', b'"kind":"hologram"') + b"}"
    with run.events_path.open("ab") as file:
        file.write(body[:-1] + b',"crc":"%08x"}\n' % crc32(body))
    log = LogWriter(run.events_path)
    log.append(RunEnded(status="done", reason="end", step=6, seconds=1))
    log.close()
    loaded = loading.load(run)
    assert (loaded.status, loaded.damaged) == ("done", 0)
