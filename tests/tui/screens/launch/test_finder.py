"""The learning-rate finder: what it suggests, its screen, its command."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import configure
from presets import ConfigError
from tui import cli
from tui.app import BigModelApp
from tui.choices import lr_range_test, lr_suggestion
from tui.choices.lr_suggestion import Suggestion
from tui.screens.launch.finder import FinderScreen

RATES = np.logspace(-6, 1, 200).tolist()


def curve(fall_at: float, rise_at: float, noise: float = 0.0) -> list[float]:
    """A loss that falls around one rate and explodes around another, both as log10."""
    random = np.random.default_rng(0)
    logs = np.log10(RATES)
    fall = 2.0 / (1 + np.exp(-4 * (logs - fall_at)))
    rise = np.exp(np.minimum(3 * (logs - rise_at), 50))
    return (2.5 - fall + rise + noise * random.normal(size=len(logs))).tolist()


@given(fall=st.floats(-4.5, -2.0), gap=st.floats(1.0, 2.0), noise=st.floats(0, 0.05))
@settings(max_examples=60)
def test_a_suggestion_lies_where_the_loss_falls(fall: float, gap: float, noise: float) -> None:
    found = lr_suggestion.suggest(RATES, curve(fall, fall + gap, noise))
    assert isinstance(found, Suggestion)
    assert fall - 2.0 < math.log10(found.lr) < fall + gap


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        ([2.0] * 200, "the loss hardly falls at any learning rate"),
        ([math.nan] * 200, "only 0 steps with a finite loss"),
        (np.linspace(2, 40, 200).tolist(), "the loss hardly falls at any learning rate"),
        ([2.0, 1.0], "only 2 steps"),
    ],
)
def test_where_there_is_none_it_says_why(losses: list[float], why: str) -> None:
    found = lr_suggestion.suggest(RATES[: len(losses)], losses)
    assert isinstance(found, str)
    assert found.startswith(why)


@given(
    losses=st.lists(st.floats(width=32) | st.just(math.nan), max_size=60),
    width=st.integers(10, 120),
    height=st.integers(3, 30),
)
@settings(max_examples=60, deadline=None)
def test_every_curve_can_be_drawn(losses: list[float], width: int, height: int) -> None:
    rates = RATES[: len(losses)]
    found = lr_suggestion.suggest(rates, losses)
    lines = lr_suggestion.draw(
        rates,
        losses,
        None if isinstance(found, str) else found,
        width=width,
        height=height,
        ink="#888888",
        color="#ffffff",
        accent="#00ff00",
        ascii_only=True,
    )
    assert len(lines) <= max(1, height)
    assert all(line.plain.isascii() for line in lines)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("width", range(40, 120, 7))
def test_a_line_marks_the_rate_from_top_to_bottom(width: int, ascii_only: bool) -> None:
    losses = curve(-3.0, -1.0)
    found = lr_suggestion.suggest(RATES, losses)
    assert isinstance(found, Suggestion)
    lines = lr_suggestion.draw(
        RATES,
        losses,
        found,
        width=width,
        height=16,
        ink="#888888",
        color="#ffffff",
        accent="#00ff00",
        ascii_only=ascii_only,
    )
    marked = [line for line in lines if any("00ff00" in str(span.style) for span in line.spans)]
    assert len(marked) >= 8


def test_the_command_finds_a_rate_and_leaves_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    arguments = ["find-lr", "--dataset", "spirals", "--optimizer", "sgd", "--json"]
    done = CliRunner().invoke(cli.cli, [*arguments, "--set", "threads=1", "--set", "device=cpu"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert 1e-4 < found["lr"] < 10
    rates = [point["lr"] for point in found["points"]]
    assert rates == sorted(rates)
    assert not list(tmp_path.iterdir())


def test_bad_settings_are_refused_before_anything_starts() -> None:
    done = CliRunner().invoke(cli.cli, ["find-lr", "--model", "gpt-mini"])
    assert done.exit_code == 2
    assert done.stderr.startswith("bigmodel-tui: model: gpt-mini learns text")
    with pytest.raises(ConfigError, match="steps: expected a whole number >= 1"):
        configure.resolve(settings={"steps": 0})


async def test_the_screen_gives_back_the_rate_that_was_taken(tmp_path) -> None:
    app = BigModelApp(root=tmp_path / "runs")
    taken = []
    config = configure.resolve(dataset="spirals", settings={"device": "cpu", "threads": 1})
    async with app.run_test(size=(80, 24)) as pilot:
        screen = FinderScreen(config)
        app.push_screen(screen, taken.append)
        for _ in range(600):
            await pilot.pause(0.1)
            if screen._found is not None:
                break
        assert isinstance(screen._found, Suggestion), screen._found
        await pilot.press("enter")
        await pilot.pause()
    assert taken == [screen._found.lr]
    assert not (tmp_path / "runs").exists()


async def test_the_screen_says_why_an_engine_failed(tmp_path, monkeypatch) -> None:
    config = configure.resolve(dataset="spirals", settings={"device": "cuda:7"})
    app = BigModelApp(root=tmp_path / "runs")
    taken = []
    async with app.run_test(size=(120, 30)) as pilot:
        screen = FinderScreen(config)
        app.push_screen(screen, taken.append)
        for _ in range(600):
            await pilot.pause(0.1)
            if screen._found is not None:
                break
        assert "device: cuda:7 is not available here" in str(screen._words())
        await pilot.press("enter")  # there is nothing to take
        assert taken == []
        await pilot.press("escape")
        await pilot.pause()
    assert taken == [None]


def test_a_range_test_is_a_run_without_the_rest() -> None:
    config = configure.resolve(
        settings={"schedule.type": "cosine", "target": "val/loss <= 1", "max_restarts": 3}
    )
    test = lr_range_test.range_test(config, 50)
    assert (test.schedule.type, test.steps, test.epochs) == ("range-test", 50, None)
    assert (test.target, test.max_restarts, test.on_non_finite) == (None, 0, "stop")
