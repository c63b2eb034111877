"""The learning-rate finder: a short run in which it rises, its curve, and what that suggests."""

import contextlib

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from presets import UserError
from presets.schema import RunConfig
from tui.choices import lr_suggestion
from tui.choices.lr_range_test import Search
from tui.choices.lr_suggestion import Suggestion
from tui.panels.keys import Key, bindings
from tui.text import clean

_POLL_SECONDS = 0.2


class FinderScreen(ModalScreen[float | None]):
    """A dialog that finds a learning rate; dismissed with the one that a person took, or None."""

    KEYS = (
        Key("enter", "take", "Take", "take the suggested learning rate", footer=True),
        Key("escape,q", "leave", "Close", "take nothing; the search is stopped"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self._config = config
        self._search: Search | None = None
        self._found: Suggestion | str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="finder") as box:
            box.border_title = "Learning rate"
            box.border_subtitle = "Esc closes"
            yield Static("", id="finder-plot", markup=False)
            yield Static("", id="finder-words", markup=False)

    def on_mount(self) -> None:
        try:
            self._search = Search(self._config)
        except UserError as error:
            self._found = str(error)
            self._show()
            return
        self.set_interval(_POLL_SECONDS, self._poll)
        self._show()

    def on_unmount(self) -> None:
        if self._search is not None:
            self._close(self._search)

    @work(thread=True, exit_on_error=False)
    def _close(self, search: Search) -> None:
        search.close()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def action_take(self) -> None:
        """Take the suggestion."""
        if isinstance(self._found, Suggestion):
            self.dismiss(self._found.lr)

    def action_leave(self) -> None:
        """Take nothing; the run is stopped."""
        self.dismiss(None)

    def _poll(self) -> None:
        if self._search is None or self._found is not None:
            return
        with contextlib.suppress(OSError):  # the next poll may succeed
            if not self._search.poll():
                self._found = self._search.found()
            self._show()

    def _show(self) -> None:
        words = self.query_one("#finder-words", Static)
        box = self.query_one("#finder-plot", Static)
        if self._search is not None and box.content_size.height >= 4:
            suggestion = self._found if isinstance(self._found, Suggestion) else None
            colors = self.app.theme_variables
            lines = lr_suggestion.draw(
                self._search.lrs,
                self._search.losses,
                suggestion,
                width=box.content_size.width,
                height=box.content_size.height,
                ink=colors["plot-ink"],
                color=colors["lane-0"],
                accent=colors["lane-2"],
                ascii_only=bool(getattr(self.app, "plain", False)),
            )
            box.update(Text("\n").join(lines))
        words.update(self._words())
        if isinstance(self._found, Suggestion):
            self.query_one("#finder").border_subtitle = "Enter takes it, Esc closes"

    def _words(self) -> Text:
        if self._found is None:
            steps = len(self._search.losses) if self._search is not None else 0
            done = f"step {steps} of {lr_suggestion.STEPS}" if steps else "the engine is starting"
            return Text(
                f"The learning rate rises with each step; drawn is the smoothed loss: {done}"
            )
        return Text(clean(lr_suggestion.sentence(self._found)), style="bold")
