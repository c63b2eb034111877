"""What a model has to beat stands on the plots and in `show`."""

import pytest

from engine.runs.events import Evaluation, Reference, References, RunStarted
from support.dashboards import dashboard, running
from support.recorded import extended
from support.seen import text, until_shown
from tui.panels.panel import Panel
from tui.runs import loading
from tui.runs.state import summary

BAD = "[/foo][b]x\x1b]52;c;x\x07"
KNOWN = References(
    values=[
        Reference(metric="accuracy", name="majority", value=0.672),
        Reference(metric="accuracy", name="unigram logistic", value=0.876),
        Reference(metric="mae", name="mean", value=0.5),
        Reference(metric="loss", name=BAD, value="nan"),
    ]
)
KNOWN_BLEU = References(values=[Reference(metric="bleu", name="copying", value=0.7)])


def panel(app, name: str) -> str:
    return "\n".join(strip.text for strip in app.screen.query_one(f"#{name}", Panel)._strips)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_references_are_lines_on_the_plot_of_their_metric(
    terminal_environment: None, size: tuple[int, int]
) -> None:
    app = dashboard(extended("r-known", KNOWN))
    async with running(app, size) as pilot:
        await until_shown(pilot, "100%")
        await until_shown(pilot, "majority 0.672")
        assert "unigram logistic 0.876" in panel(app, "accuracy")
        assert "mean" not in panel(app, "accuracy")
        assert "majority" not in panel(app, "loss")
        assert not set("\x1b\x07") & set(text(app))


async def test_of_several_runs_the_lines_are_those_of_the_selected_one(
    terminal_environment: None,
) -> None:
    app = dashboard(extended("r-known", KNOWN), extended("r-other"))
    async with running(app) as pilot:
        await until_shown(pilot, "majority 0.672")
        await pilot.press("down")
        await until_shown(pilot, "100%")
        assert "majority" not in panel(app, "accuracy")


def test_show_tells_what_there_is_to_beat(terminal_environment: None) -> None:
    facts = summary.summary(loading.load(extended("r-known", KNOWN)), pid=None)
    assert facts["references"]["val/accuracy"] == {"majority": 0.672, "unigram logistic": 0.876}
    lines = summary.page(facts)
    at = lines.index("to beat")
    assert lines[at + 1].split() == [
        "val/accuracy",
        "majority",
        "0.672,",
        "unigram",
        "logistic",
        "0.876",
    ]
    assert "\x1b" not in "".join(lines)


async def test_the_second_plot_is_of_what_the_task_is_judged_by(terminal_environment: None) -> None:
    scores = [
        Evaluation(
            split="val",
            step=step,
            epoch=1.0,
            seconds=1.0,
            values={"loss": 3.0, "bleu": step * 2.0, "chrf": 10.0 + step},
        )
        for step in (7, 8, 9)
    ]
    begun = RunStarted(
        config={},
        device="cpu",
        num_parameters=3,
        planned_steps=9,
        steps_per_epoch=3,
        samples={},
        task="translation",
        judged_by="bleu",
        judged_best="max",
    )
    app = dashboard(extended("r-translation", begun, *scores, KNOWN_BLEU))
    async with running(app) as pilot:
        await until_shown(pilot, "BLEU")
        await until_shown(pilot, "copying 0.7")
        shown = panel(app, "accuracy")
        assert "val 18" in shown
        assert "chrF 19" in shown
        assert "val/bleu" in panel(app, "runs")
