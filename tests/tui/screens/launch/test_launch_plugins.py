"""The launch screen with plug-ins: it opens and stays usable, whatever they do."""

from pathlib import Path

import pytest

from engine.runs import start_process
from support.packages import DATASET, MODEL, OPTIMIZER, configured, install, site
from support.seen import text, until_shown
from tui.app import BigModelApp
from tui.screens.launch.preset_list import PresetList

__all__ = ["configured", "site"]  # fixtures

SIZE = (160, 48)
POINTS = """
[bigmodel_tui.models]
absent = absent_module
wrong = wrong_model
tiny = tiny_model
[bigmodel_tui.datasets]
points = own_points
[bigmodel_tui.optimizers]
step = own_step
"""


@pytest.fixture
def app(terminal_environment: None, monkeypatch: pytest.MonkeyPatch) -> BigModelApp:
    monkeypatch.delattr(start_process, "start")
    return BigModelApp(root=Path("runs"))


async def test_a_wrong_configuration_is_shown_and_built_ins_can_be_trained(
    app, site, configured
) -> None:
    path = configured("plugins: [no-such-package]")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "'no-such-package' is not installed")
        hint = str(app.screen.query_one("#hint").render())
        assert hint.startswith(f"{path}: plugins: 'no-such-package' is not installed; ")
        assert "59,338 parameters, 400 steps" in text(app)


async def test_every_plugin_can_be_highlighted_and_errors_are_lines(app, site, configured) -> None:
    install(
        site,
        "own",
        POINTS,
        wrong_model=MODEL.replace("return Cost(", "raise KeyError("),
        tiny_model=MODEL,
        own_points=DATASET,
        own_step=OPTIMIZER,
    )
    configured("plugins: [own]")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "59,338 parameters, 400 steps")
        models = app.screen.query_one("#models", PresetList)
        for name, words in (
            ("tiny", "3 parameters, 400 steps"),
            ("absent", "plug-in own: model 'absent' cannot be loaded: ModuleNotFoundError: "),
            ("wrong", "plug-in own: model 'wrong' cost failed: "),
        ):
            models.choose(name)
            await until_shown(pilot, words)
            assert "from own 1.2" in text(app)
        await pilot.press("enter")
        await until_shown(pilot, "Cannot start")
        assert not Path("runs").exists()
        models.choose("tiny")
        app.screen.query_one("#datasets", PresetList).choose("points")
        app.screen.query_one("#optimizers", PresetList).choose("step")
        await until_shown(pilot, "3 parameters, 10 steps")
        assert app.screen.query_one("#lr").placeholder == "0.1"
