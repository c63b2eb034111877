"""What comes in one packet is taken in its order."""

from collections.abc import Callable

import pytest
from textual.app import App, ComposeResult
from textual.events import Key

from engine.runs.run_directory import RunDir
from tui.app import BigModelApp
from tui.panels.field import Field

PACKETS = [
    (["ctrl+u", "n", "e", "w"], "new"),
    (["x", "backspace", "y"], "oldy"),
    (["home", "v", "e", "r", "y", "end", "!"], "veryold!"),
]


@pytest.mark.parametrize(("keys", "text"), PACKETS)
async def test_keys_are_taken_in_their_order(keys: list[str], text: str) -> None:
    said: list[str] = []

    class OneField(App[None]):
        def compose(self) -> ComposeResult:
            yield Field("old", select_on_focus=False)

        def on_input_submitted(self, event: Field.Submitted) -> None:
            said.append(event.value)

    app = OneField()
    async with app.run_test() as pilot:
        for key in [*keys, "enter"]:  # none waits for the one before
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await pilot.pause()
    assert said == [text]


async def test_what_follows_a_key_is_no_key_of_the_screen(
    recorded: Callable[..., list[RunDir]],
) -> None:
    """`d` would move the run to the trash."""
    (run,) = recorded("adam")
    app = BigModelApp(root=run.path.parent, runs=[run])
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.press("r")
        for key in ("slash", "d", "i"):
            app.post_message(Key(key, key if len(key) == 1 else "/"))
        await pilot.pause()
        await pilot.pause()
        assert app.screen.query_one("#prompt-input", Field).value == "di"
    assert run.path.exists()
