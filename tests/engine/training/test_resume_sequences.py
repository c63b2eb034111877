"""Translation and summarisation: killed at five places and resumed, bit for bit the same."""

import pytest
import rouge_score.rouge_scorer  # noqa: F401
import sacrebleu  # noqa: F401 (both once, not in each process)

from engine.config import configure
from engine.runs.events import Evaluation, Outputs
from engine.runs.log_reader import read_all
from support import verses
from support.forked import of
from support.resuming import check_equal, interrupt

TINY = {
    "model.width": 8,
    "model.layers": 1,
    "model.heads": 2,
    "model.dropout": 0.2,
    "dataset.tokenizer": "words",
    "dataset.vocabulary": 40,
    "batch_tokens": 60,
    "steps": 12,
    "schedule.warmup_steps": 2,
    "evaluate_every": 4,
    "predictions": 2,
    "checkpoint.every_steps": 2,
    "device": "cpu",
    "threads": 1,
}


@pytest.mark.parametrize("recipe", ["bible-translation", "passage-headings"])
def test_killed_at_five_places(tmp_path, monkeypatch, recipe):
    verses.use(monkeypatch)
    config = configure.resolve(recipe=recipe, settings=TINY)
    whole = interrupt(tmp_path / "whole", config)
    cut = interrupt(tmp_path / "cut", config, 1, 3, 6, 7, 11)
    check_equal(cut, whole)
    assert shown(cut) == shown(whole)


def shown(run):
    """What is shown of the last evaluations."""
    events = read_all(run.events_path)
    means = [event.values for event in of(Evaluation, events)][-2:]
    return means, [event.samples for event in of(Outputs, events)][-1]
