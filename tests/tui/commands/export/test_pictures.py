"""Pictures of metrics: which curves are in them, over which axis, and the same file each time."""

import math
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs.events import Scalars
from engine.runs.run_directory import RunDir
from presets import UserError
from support.exporting import begun, invoke, refusal
from support.recorded import record
from tui.commands.export import pictures as export_pictures
from tui.commands.export.pictures import Style, picture, smoother
from tui.plots import matplotlib_figure
from tui.plots.palette import LIGHT_LANE_COLORS, contrast
from tui.plots.smoothing import Average, Median
from tui.runs import loading
from tui.runs.state.store import RunState

COLORS = list(LIGHT_LANE_COLORS.values())


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Draws and returns matplotlib's figure, which a file does not show any more."""

    def draw(states: list[RunState], *asked: str, **style: Any) -> Any:
        kept: list[Any] = []
        with monkeypatch.context() as patch:
            patch.setattr(matplotlib_figure, "encoded", lambda drawn, kind: kept.append(drawn))
            picture(states, asked, Style(**style), "svg")
        return kept[0]

    return draw


def recorded_run(root: Path, run_id: str, **given: Any) -> RunState:
    return loading.load(record(root, run_id, **given))


def logged(*losses: float | str, name: str = "train/loss", run: str = "abc") -> RunState:
    steps = list(range(1, len(losses) + 1))
    state = begun(Scalars(step=steps, seconds=[step / 2 for step in steps], values={name: losses}))
    state.run = RunDir(Path(run))
    return state


def labels(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def points(line: Any) -> list[tuple[float, float]]:
    return list(zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True))


def test_loss_and_accuracy_of_training_and_validation(runs_root: Path, figure) -> None:
    state = recorded_run(runs_root, "abc", steps=6)
    drawn = figure([state])
    loss, accuracy = drawn.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert labels(loss) == ["train/loss", "val/loss"]
    assert labels(accuracy) == ["train/accuracy", "val/accuracy"]
    train, val = loss.lines
    assert points(train) == [
        (step, state.metrics["train/loss"].values[step - 1]) for step in range(1, 7)
    ]
    assert [x for x, _ in points(val)] == [2, 4, 6]
    assert [line.get_color() for line in loss.lines] == COLORS[:2]
    assert [line.get_linestyle() for line in loss.lines] == ["-", "--"]
    assert accuracy.get_xlabel() == "step"
    assert drawn.get_suptitle() == "abc"


def test_several_runs_have_a_colour_and_dashes_each(runs_root: Path, figure) -> None:
    names = ["adam", "sgd", "momentum", "rmsprop", "adagrad"]
    states = [
        recorded_run(runs_root, f"run-{name}", steps=4 + place, name=name)
        for place, name in enumerate(names)
    ]
    drawn = figure(states)
    assert [axes.get_ylabel() for axes in drawn.axes] == list(export_pictures.USUAL)
    for axes in drawn.axes:
        assert [line.get_color() for line in axes.lines] == COLORS[:5]
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--", ":", "-.", "-"]
        assert axes.get_legend() is None
    (legend,) = drawn.legends
    assert [text.get_text() for text in legend.get_texts()] == names
    assert [len(line.get_xdata()) for line in drawn.axes[0].lines] == [4, 5, 6, 7, 8]


def test_runs_of_one_name_and_a_name_with_an_underscore_are_in_the_legend(
    runs_root: Path, figure
) -> None:
    twins = [recorded_run(runs_root, name, steps=4, name="_same") for name in ("abc", "abd")]
    (legend,) = figure(twins).legends
    found = [text.get_text().strip() for text in legend.get_texts()]
    assert found == ["_same abc", "_same abd"]


def test_runs_whose_names_differ_behind_the_cut_are_in_the_legend(runs_root: Path, figure) -> None:
    twins = [recorded_run(runs_root, name, steps=4, name="x" * 70) for name in ("abc", "abd")]
    (legend,) = figure(twins).legends
    one, other = (text.get_text() for text in legend.get_texts())
    assert (one.removesuffix(" (abc)"), one[:9]) == (other.removesuffix(" (abd)"), "x" * 9)
    assert one != other


def test_asked_metrics_are_drawn_in_their_order(runs_root: Path, figure) -> None:
    state = recorded_run(runs_root, "abc", steps=6)
    drawn = figure([state], "lr", "test/loss", "val/loss", "lr")
    assert [axes.get_ylabel() for axes in drawn.axes] == ["lr", "loss"]
    assert labels(drawn.axes[1]) == ["test/loss", "val/loss"]
    (single,) = [line for line in drawn.axes[1].lines if line.get_label() == "test/loss"]
    assert single.get_marker() == "."  # one point alone is no line


AXES = {
    "step": ([1, 2, 3, 4], "step"),
    "epoch": ([0.5, 1, 1.5, 2], "epoch"),
    "samples": ([32, 64, 96, 128], "samples"),
    "relative": ([1 / 8, 2 / 8, 3 / 8, 4 / 8], "time since the start"),
    "wall": ([1.7e9 + x / 8 for x in range(1, 5)], "local time from 2023-11-14 22:13"),
}


@pytest.mark.parametrize("kind", AXES)
def test_axes(runs_root: Path, figure, terminal_environment: None, kind: str) -> None:
    (axes,) = figure([recorded_run(runs_root, "abc", steps=4)], "train/loss", x=kind).axes
    expected, label = AXES[kind]
    assert axes.lines[0].get_xdata().tolist() == pytest.approx(expected, rel=1e-12)
    assert axes.get_xlabel() == label


def test_the_numbers_of_a_time_axis_are_times(figure, terminal_environment: None) -> None:
    drawn = figure([logged(*range(1, 1000))], x="relative")
    texts = [text.get_text() for text in drawn.axes[0].get_xticklabels()]
    assert texts == ["0s", "2m", "4m", "6m", "8m"]
    drawn = figure([logged(*range(1, 1000))], x="wall")
    texts = [text.get_text() for text in drawn.axes[0].get_xticklabels()]
    assert texts == [f"22:{minute}" for minute in (14, 16, 18, 20)]


def test_a_logarithmic_axis_has_plain_numbers(figure) -> None:
    drawn = figure([logged(1000.0, 10.0, 0.0, -1.0, 0.1)], log_y=True)
    (axes,) = drawn.axes
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0 < low <= 0.1
    assert high >= 1000
    values = axes.lines[0].get_ydata().tolist()
    assert [value for value in values if not math.isnan(value)] == [1000.0, 10.0, 0.1]
    drawn.canvas.draw()
    texts = {text.get_text() for text in axes.get_yticklabels()}
    assert {"1", "10", "100", "1000"} <= texts


def test_smoothing_leaves_raw_values_behind_and_evaluations_as_they_are(
    runs_root: Path, figure
) -> None:
    state = recorded_run(runs_root, "abc", steps=20)
    drawn = figure([state], "train/loss", "val/loss", smoother=smoother("ema 0.5"))
    raw, smooth, val = drawn.axes[0].lines
    assert raw.get_alpha() == pytest.approx(0.3)
    assert raw.get_ydata().tolist() == state.metrics["train/loss"].values.tolist()
    expected = Average(0.5).of(state.metrics["train/loss"]).values
    np.testing.assert_array_equal(smooth.get_ydata(), expected)
    assert val.get_ydata().tolist() == state.metrics["val/loss"].values.tolist()
    assert labels(drawn.axes[0]) == ["train/loss", "val/loss"]


def test_smoothers_by_their_words() -> None:
    source = logged(*range(1, 40), 90.0).metrics["train/loss"]
    for text, same in {
        "ema": Average(0.9),
        "ema 0.7": Average(0.7),
        "median": Median(15),
        "median 5": Median(5),
    }.items():
        np.testing.assert_array_equal(smoother(text)().of(source).values, same.of(source).values)


@pytest.mark.parametrize(
    "text", ["", "0.9", "ema 1", "ema 0", "ema x", "median 4", "median 1", "ema nan"]
)
def test_a_smoothing_that_is_none(text: str) -> None:
    with pytest.raises(UserError, match=r"^--smooth: expected 'ema B' .*, got '"):
        smoother(text)


def test_what_is_not_finite_is_marked_on_the_lower_edge(figure) -> None:
    line, crosses = figure([logged(1.0, "nan", 2.0, "inf")]).axes[0].lines
    assert points(line) == [(1, 1.0), (3, 2.0)]
    assert points(crosses) == [(2, 0.0), (4, 0.0)]
    assert crosses.get_marker() == "x"


def test_no_extreme_of_a_long_run_is_lost(figure) -> None:
    losses = [1.0] * 200_000
    losses[123_456], losses[54_321] = 7.0, -3.0
    (line,) = figure([logged(*losses)]).axes[0].lines
    assert {(123_457.0, 7.0), (54_322.0, -3.0)} <= set(points(line))
    assert len(line.get_xdata()) < 10_000


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_run_gives_the_same_file_in_any_environment(
    recorded: Callable[..., list[RunDir]], tmp_path: Path, kind: str, monkeypatch
) -> None:
    (run,) = recorded("adam")
    one, other = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    assert invoke(str(run.path), "--format", kind, "--output", str(one)).output == ""
    rc = tmp_path / "matplotlibrc"
    rc.write_text("lines.linewidth: 9\nsavefig.dpi: 30\nfont.size: 30\nsvg.fonttype: none\n")
    monkeypatch.setenv("MATPLOTLIBRC", str(rc))
    code = "from tui.cli import main; main()"
    arguments = ["export", str(run.path), "--format", kind, "--output", str(other)]
    subprocess.run([sys.executable, "-P", "-c", code, *arguments], check=True)
    assert one.read_bytes() == other.read_bytes()


def test_a_picture_goes_to_standard_output(runs_root: Path) -> None:
    record(runs_root, "abc")
    svg = invoke("abc", "--format", "svg").stdout_bytes
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    png = invoke("abc", "--format", "png", "--metric", "lr").stdout_bytes
    assert png.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", png[16:24]) == (1200, 675)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--metric train/los", "unknown metric 'train/los': did you mean train/loss"),
        ("--metric gradnorm", "unknown metric 'gradnorm': did you mean grad_norm? known: train/"),
        (
            "--smooth 3",
            "--smooth: expected 'ema B' with 0 < B < 1 such as 'ema 0.9', or 'median N'",
        ),
    ],
)
def test_bad_usage(runs_root: Path, arguments: str, message: str) -> None:
    record(runs_root, "abc")
    assert refusal("abc", "--format", "svg", *arguments.split(" ", 1)).startswith(message)


def test_a_run_without_what_is_asked_for() -> None:
    state = logged(1.0, name="lr")
    state.apply(Scalars(step=[2], seconds=[1], values={"z": [1.0]}))
    with pytest.raises(UserError, match=r"nor accuracy was recorded; --metric takes lr, z$"):
        picture([state], [], Style(), "svg")
    with pytest.raises(UserError, match=r"nor accuracy was recorded; nothing else either$"):
        picture([begun()], [], Style(), "svg")
    with pytest.raises(UserError, match=r"^--x epoch: not known of abc; --x step is$"):
        picture([logged(1.0)], [], Style(x="epoch"), "svg")
    many = Scalars(step=[1], seconds=[1], values={f"m{place}": [1.0] for place in range(21)})
    with pytest.raises(UserError, match=r"^--metric: at most 20 plots in a picture, got 21$"):
        picture([begun(many)], list(many.values), Style(), "svg")


def test_a_run_that_took_no_step_is_left_out(figure) -> None:
    drawn = figure([logged(1.0, 2.0), begun()], x="wall")
    assert [len(axes.lines) for axes in drawn.axes] == [1]


def test_without_matplotlib_it_says_so(runs_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(runs_root, "abc")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = refusal("abc", "--format", "svg")
    assert line.endswith("need matplotlib; install with pip install 'bigmodel-tui[pictures]'")


@settings(max_examples=8)
@given(
    values=st.lists(st.floats(), min_size=1, max_size=6),
    log_y=st.booleans(),
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
)
def test_whatever_was_recorded_is_drawn(values: list[float], log_y: bool, name: str) -> None:
    state = logged(*values, name=name)
    data = picture([state], [name], Style(log_y=log_y, smoother=smoother("median 3")), "svg")
    ElementTree.fromstring(data)


def test_curves_are_seen_on_white() -> None:
    assert min(contrast(color, "#ffffff") for color in COLORS) >= 4.5
