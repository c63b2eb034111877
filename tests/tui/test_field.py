"""What comes in one packet is taken in its order."""

import pytest
from textual.app import App, ComposeResult
from textual.events import Key

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
