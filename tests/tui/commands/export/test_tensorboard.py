"""TensorBoard event files: our own reader has the same values back, at the same times."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs.events import Evaluation, Restarted, Scalars
from support.exporting import START, begun, invoke, refusal
from support.recorded import record
from tui.commands.export import tensorboard as export_tensorboard
from tui.runs import loading
from tui.runs.foreign import sniff
from tui.runs.state.store import RunState


def read_back(folder: Path) -> RunState:
    (found,) = sniff.open_source(folder)
    state = loading.load(found)
    assert state.damaged == 0
    return state


def moments(state: RunState) -> np.ndarray:
    return state.clock[0].zero + state.seconds.values


def assert_same(state: RunState, back: RunState) -> None:
    assert set(back.metrics) == {name for name, each in state.metrics.items() if len(each)}
    for name, series in back.metrics.items():
        assert series.steps.tolist() == state.metrics[name].steps.tolist()
        with np.errstate(over="ignore"):
            single = state.metrics[name].values.astype(np.float32)
        np.testing.assert_array_equal(series.values, single.astype(np.float64))


def test_a_run_is_read_back(runs_root: Path, tmp_path: Path) -> None:
    run = record(runs_root, "abc", steps=6)
    folder = tmp_path / "logs" / "abc"  # neither exists
    result = invoke("abc", "--format", "tensorboard", "--output", str(folder))
    assert (result.exit_code, result.output) == (0, "")
    (file,) = folder.iterdir()
    assert file.name == "events.out.tfevents.1700000000.abc"
    state, back = loading.load(run), read_back(folder)
    assert set(state.metrics) >= {"train/loss", "val/accuracy", "test/loss", "clipped"}
    assert_same(state, back)
    np.testing.assert_allclose(moments(back), moments(state), rtol=0, atol=1e-6)


def test_a_second_export_replaces_the_first(runs_root: Path, tmp_path: Path) -> None:
    record(runs_root, "abc", steps=6)
    for _ in range(2):
        assert invoke("abc", "--format", "tensorboard", "--output", str(tmp_path)).exit_code == 0
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        assert len(files) == 1
    assert len(read_back(files[0]).metrics["lr"]) == 6


def test_times_go_on_after_a_restart(tmp_path: Path) -> None:
    state = begun(
        Scalars(step=[1, 2, 3], seconds=[1.0, 2.0, 3.0], values={"train/loss": [3.0, 2.0, 1.0]}),
        Restarted(time=START + 100, step=2, checkpoint="", attempt=1, reason="resume"),
        Scalars(step=[3, 4], seconds=[3.0, 4.0], values={"train/loss": [0.5, 0.25]}),
    )
    export_tensorboard.write(state, tmp_path)
    back = read_back(tmp_path)
    assert_same(state, back)
    assert (moments(back) - START).tolist() == [1.0, 2.0, 101.0, 102.0]


def test_what_is_not_finite_and_many_metrics_with_long_names(tmp_path: Path) -> None:
    names = [str(place) + "\U0001f600" * 3000 for place in range(70)]
    values = {name: [float("nan"), float("inf"), 1e300] for name in names}
    state = begun(Scalars(step=[1, 2, 3], seconds=[1, 2, 3], values=values))
    export_tensorboard.write(state, tmp_path)
    back = read_back(tmp_path)
    assert len(back.metrics) == len(names)
    for series in back.metrics.values():
        assert [str(value) for value in series.values] == ["nan", "inf", "inf"]


@settings(max_examples=50)
@given(
    columns=st.dictionaries(
        st.sampled_from(["train/loss", "val/loss", "lr", "x/y", "z"]),
        st.dictionaries(st.integers(0, 2**53), st.floats(), min_size=1, max_size=5),
        max_size=5,
    )
)
def test_any_values_are_read_back(
    columns: dict[str, dict[int, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = begun()
    for name, points in columns.items():
        split, _, metric = name.partition("/")
        for place, step in enumerate(sorted(points)):
            if split == "val":
                evaluation = {"split": "val", "step": step, "epoch": 1, "seconds": 1}
                state.apply(Evaluation(**evaluation, values={metric: points[step]}))
            else:
                one = Scalars(step=[step], seconds=[place], values={name: [points[step]]})
                state.apply(one)
    folder = tmp_path_factory.mktemp("any")
    export_tensorboard.write(state, folder)
    if columns:
        assert_same(state, read_back(folder))


def test_a_folder_with_another_runs_events_is_left_alone(runs_root: Path, tmp_path: Path) -> None:
    record(runs_root, "abc")
    other = tmp_path / "events.out.tfevents.1.other"
    other.write_bytes(b"theirs")
    line = refusal("abc", "--format", "tensorboard", "--output", str(tmp_path))
    assert line == f"{tmp_path}: has event files of another run; name a folder of its own"
    assert other.read_bytes() == b"theirs"


def test_an_output_that_is_a_file(runs_root: Path, tmp_path: Path) -> None:
    record(runs_root, "abc")
    file = tmp_path / "file"
    file.touch()
    line = refusal("abc", "--format", "tensorboard", "--output", str(file))
    assert line == f"{file}: cannot be written (File exists)"


def test_without_the_libraries_it_says_so(
    runs_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(runs_root, "abc")
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = refusal("abc", "--format", "tensorboard", "--output", str(tmp_path / "new"))
    assert line.endswith("install with pip install 'bigmodel-tui[logs]'")
    assert not (tmp_path / "new").exists()
