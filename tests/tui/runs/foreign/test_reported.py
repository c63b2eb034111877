"""Logs that were reported as misread: every one has its points, at the right steps and times."""

from pathlib import Path

import pytest

from support.foreign_runs import load
from tui.runs.state.store import RunState

CASES = Path(__file__).parents[3] / "fixtures" / "cases"

Series = tuple[int, float, float, float, float]
"""Number of points, first and last step, first and last value."""


def opened(case: str) -> RunState:
    folder = CASES / case
    (path,) = folder.iterdir()
    return load(folder if "tfevents" in path.name else path)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("batch-constant", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("config-line", {"train/loss": (8, 1, 8, 1, 0.125), "val/loss": (8, 1, 8, 1.2, 0.15)}),
        ("cr-only", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("decimal-comma", {"train/loss": (8, 1, 8, 1, 0.125), "lr": (8, 1, 8, 0.001, 0.001)}),
        ("descending", {"train/loss": (9, 1, 9, 9, 1)}),
        ("detectron", {"time": (10, 19, 199, 0.4015, 0.3912)}),
        ("dup-header", {"train/loss": (8, 1, 8, 1, 0.125), "loss.2": (8, 1, 8, 2, 0.25)}),
        ("epoch-boundary", {"train/loss": (40, 10, 400, 0.1, 0.0025),
                            "val/loss": (4, 99, 399, 0.020202, 0.005013)}),
        ("epoch-fraction", {"train/loss": (40, 5, 200, 1.8182, 0.4)}),
        ("epoch-seconds", {"time": (8, 1, 8, 61.2, 59.2)}),
        ("frac-epoch", {"train/loss": (21, 0, 20, 1, 0.0476)}),
        ("hms-times", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("json-object", {"train/loss": (8, 1, 8, 1, 0.125), "val/loss": (8, 1, 8, 1.2, 0.15)}),
        ("json-strings", {"train/loss": (8, 100, 800, 5, 0.625)}),
        ("llamafactory", {"train/loss": (20, 10, 200, 1.6667, 0.4)}),
        ("long", {"train/loss": (8, 1, 8, 1, 0.125), "val/loss": (8, 1, 8, 1.3, 0.1625)}),
        ("mmdet-log", {"train/loss": (18, 50, 900, 2.5714, 0.75),
                       "val/bbox_mAP": (3, 300, 900, 0.1, 0.3)}),
        ("mmengine-epoch", {"train/loss": (20, 10, 200, 1.6667, 0.4),
                            "lr": (20, 10, 200, 0.02, 0.02),
                            "accuracy/top1": (5, 40, 200, 50, 90)}),
        ("mmengine-iter", {"train/loss": (8, 50, 400, 1, 0.2222), "mIoU": (4, 100, 400, 0.1, 0.4)}),
        ("pipe", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("ragged", {"train/loss": (4, 1, 4, 0.5, 0.2), "val/loss": (2, 2, 4, 0.45, 0.25)}),
        ("seeds", {f"reward (seed {n})": (5, 0, 40, n, 40 + n) for n in range(3)}),
        ("slash-times", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("spaces", {"train/loss": (8, 1, 8, 1, 0.125), "val/loss": (8, 1, 8, 1.2, 0.15)}),
        ("swift", {"train/loss": (20, 10, 200, 1.6667, 0.4)}),
        ("tb-batch-idx", {"train/loss": (40, 0, 39, 1, 0.025),
                          "time/batch": (40, 0, 39, 0.1, 0.19)}),
        ("tb-ooo", {"train/loss": (10, 0, 9, 10, 1)}),
        ("tb-tensor", dict.fromkeys(("f", "fc", "d", "half", "bf16c"), (5, 0, 4, 1, 0.2))
                      | dict.fromkeys(("i32", "i64"), (5, 0, 4, 0, 4))),
        ("thousands-step", {"train/loss": (8, 500, 4000, 1, 0.125)}),
        ("trailing-comma2", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("unsorted", {"train/loss": (9, 1, 9, 9, 1)}),
        ("us-times", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("utf16", {"train/loss": (8, 1, 8, 1, 0.125)}),
        ("utf16-jsonl", {"train/loss": (8, 1, 8, 1, 0.125)}),
    ],
)  # fmt: skip
def test_a_reported_log_has_its_points(case: str, expected: dict[str, Series]) -> None:
    state = opened(case)
    for name, (count, *ends) in expected.items():
        series = state.metrics[name]
        assert len(series) == count
        (first, low), (last, high) = series.point(0), series.point(-1)
        assert [first, last, low, high] == pytest.approx(ends, abs=2e-3)
    assert state.damaged == 0


@pytest.mark.parametrize(
    ("case", "first", "last"),
    [
        ("detectron", 0, 0),
        ("epoch-seconds", 0, 0),
        ("hms-times", 90, 510),
        ("llamafactory", 10, 200),
        ("slash-times", 0, 35),
        ("swift", 10, 200),
        ("us-times", 0, 35),
    ],
)
def test_a_reported_log_has_its_times(case: str, first: float, last: float) -> None:
    seconds = opened(case).seconds.values
    assert (seconds[0], seconds[-1]) == (first, last)
