"""Which metric a run is judged by follows from its task, and every list shows that one."""

from pathlib import Path

import pytest

from engine.runs.events import Evaluation, RunStarted, Scalars
from engine.runs.run_directory import RunDir
from tui.runs.labels import told_apart
from tui.runs.state.judging_metric import judged, larger_is_better
from tui.runs.state.store import RunState


@pytest.mark.parametrize(
    ("task", "metrics", "expected"),
    [
        ("classification", ["train/loss", "val/loss", "val/accuracy"], "val/accuracy"),
        ("regression", ["train/loss", "train/mae", "val/loss", "val/mae"], "val/mae"),
        ("language", ["train/loss", "val/loss", "val/bits_per_char"], "val/bits_per_char"),
        ("language", ["train/loss", "val/loss"], "val/loss"),
        ("open", ["lr", "train/loss", "val/f1"], "val/f1"),
        ("open", ["lr", "train/loss", "val/f1", "val/loss"], "val/loss"),
        ("open", ["lr", "train/reward", "clip/threshold"], "train/reward"),
        ("open", ["lr", "steps_per_second", "reward"], "reward"),
        ("open", ["lr", "steps_per_second"], ""),
        ("classification", [], ""),
    ],
)
def test_the_task_decides(task: str, metrics: list[str], expected: str) -> None:
    assert judged(task, metrics) == expected


@pytest.mark.parametrize(
    ("metric", "larger"),
    [
        ("val/accuracy", True),
        ("val/f1", True),
        ("eval/top5", True),
        ("val/map", True),
        ("reward", True),
        ("val/loss", False),
        ("val/accuracy_loss", False),
        ("val/mae", False),
        ("val/bits_per_char", False),
        ("val/perplexity", False),
        ("val/cer", False),
        ("val/wer", False),
        ("val/bleu", True),
        ("val/chrf", True),
        ("val/rouge1", True),
        ("val/rouge_l", True),
        ("val/win_rate", True),
        ("val/return", True),
    ],
)
def test_whether_more_is_better(metric: str, larger: bool) -> None:
    assert larger_is_better(metric) is larger


def state_of(task: str, told: tuple[str, str] = ("", ""), **values: float) -> RunState:
    state = RunState(run=RunDir(Path("runs/a")))
    state.apply(
        RunStarted(
            config={},
            device="cpu",
            num_parameters=1,
            planned_steps=10,
            steps_per_epoch=3,
            samples={},
            task=task,
            judged_by=told[0],
            judged_best=told[1],
        )
    )
    for step in (3, 6):
        found = {name: value * step for name, value in values.items()}
        state.apply(Evaluation(split="val", step=step, epoch=1, seconds=1, values=found))
    return state


def test_the_best_error_is_the_smallest() -> None:
    state = state_of("regression", mae=0.5, loss=1.0)
    assert state.judged_by == "val/mae"
    assert state.best("val/mae") == (3, 1.5)


def test_a_task_of_a_plug_in_says_itself_what_it_is_judged_by() -> None:
    state = state_of("sheep:counting", ("sheep", "max"), loss=1.0, sheep=2.0, wolves=1.0)
    assert state.judged_by == "val/sheep"
    assert state.best("val/sheep") == (6, 12.0)
    assert state.best("val/wolves") == (3, 3.0)
    upside_down = state_of("sheep:errors", ("accuracy", "min"), accuracy=1.0)
    assert upside_down.best("val/accuracy") == (3, 3.0)


def test_what_is_customary_stays_where_a_task_is_judged_by_its_loss() -> None:
    state = state_of("regression", ("loss", "min"), loss=1.0, mae=0.5)
    assert state.judged_by == "val/mae"
    assert state_of("translation", ("loss", "min"), loss=1.0, bleu=2.0).judged_by == "val/loss"


def test_the_newest_value_of_a_noisy_metric_is_the_mean_of_an_epoch() -> None:
    state = state_of("classification", accuracy=0.1)
    losses = [4.0, 4.0, 4.0, 0.5, 0.4, 1.5]  # the last batch of an epoch has few samples
    steps = list(range(1, 7))
    state.apply(Scalars(step=steps, seconds=[1.0] * 6, values={"train/loss": losses}))
    assert state.recent("train/loss") == pytest.approx(0.8)
    assert state.recent("nothing") is None
    largest = 1.7e308
    state.apply(Scalars(step=[7, 8, 9], seconds=[2.0] * 3, values={"train/loss": [largest] * 3}))
    assert state.recent("train/loss") == pytest.approx(largest)
    state.apply(Scalars(step=[10], seconds=[2.0], values={"train/loss": ["nan"]}))
    assert str(state.recent("train/loss")) == "nan"


def test_values_whose_step_goes_back_are_counted_and_the_rest_stays() -> None:
    state = state_of("open", loss=1.0)
    for steps in ([5, 6], [3, 4, 6, 7], [2]):
        values = [float(step) for step in steps]
        event = Scalars(step=steps, seconds=values, values={"train/loss": values})
        state.apply(event)
    assert state.metrics["train/loss"].steps.tolist() == [5, 6, 6, 7]
    assert state.fallen == 3


def test_three_thousand_runs_of_one_name_are_told_apart() -> None:
    configs = [{"optimizer.lr": lr, "seed": 0} for lr in (0.1, 0.01) for _ in range(1500)]
    begun = [f"2026-11-{day:02}" for day in range(1, 21)] * 150
    ids = [f"run-{number:04}" for number in range(3000)]
    labels = told_apart(["adam"] * 3000, configs, begun, ids)
    assert len(set(labels)) == 3000
    assert labels[0] == "adam lr=0.1 run-0000"
    assert told_apart(["a", "b"], configs[:2], begun[:2], ids[:2]) == ["a", "b"]
    assert told_apart(["a", "a"], configs[:2], begun[:2], ids[:2]) == [
        "a 2026-11-01",
        "a 2026-11-02",
    ]
    assert told_apart(["a", "a"], configs[1499:1501], begun[:2], ids[:2]) == [
        "a lr=0.1",
        "a lr=0.01",
    ]
