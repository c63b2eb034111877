"""What a person sees and does in an app that runs without a terminal."""

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from tui.app import BigModelApp


def rows(app: BigModelApp) -> list[str]:
    """The whole screen as the terminal would show it, dialogs and notifications included."""
    update: Any = app.screen._compositor.render_update(
        full=True, screen_stack=app._background_screens
    )
    return ["".join(strip.text for strip in row) for row in update.strips]


def text(app: BigModelApp) -> str:
    return "\n".join(rows(app))


async def until(pilot: Pilot[None], what: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Let the app go on until `what()` is true; fails with the screen after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := what()):
        app: Any = pilot.app
        assert time.monotonic() < deadline, f"waited in vain; the screen:\n{text(app)}"
        await pilot.pause(0.02)
    return result


async def until_shown(pilot: Pilot[None], words: str, seconds: float = 15.0) -> None:
    """Wait for words on the screen."""
    app: Any = pilot.app
    await until(pilot, lambda: words in text(app), seconds)
    # A dashboard shows figures first; its curves follow.
    await until(pilot, lambda: not getattr(app.screen, "stale", False), seconds)
    await pilot.pause()
