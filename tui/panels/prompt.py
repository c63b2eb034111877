"""A line at the bottom of a screen in which a person types an answer."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from presets import UserError
from tui.panels.field import Field
from tui.panels.keys import Key, bindings
from tui.text import clean


@dataclass(frozen=True)
class Question:
    """A question, and who takes the answer."""

    label: str
    hint: str
    """What may be typed, as said beside the input."""
    submit: Callable[[str], None]
    """Called with the text at Enter. A UserError is shown, and the person may correct the text."""
    changed: Callable[[str], None] | None = None
    """Called while typing; a UserError is shown."""
    value: str = ""
    """The first text of the input."""
    cancelled: Callable[[], None] | None = None


class Prompt(Horizontal):
    """A line to answer a question in, hidden until one is asked; Esc hides it again."""

    KEYS = (
        Key(
            "enter", "", does="answer; what is wrong with the answer is said, and may be corrected"
        ),
        Key("escape", "cancel", "Cancel", "answer nothing", footer=True),
        Key("tab,shift+tab", "stay"),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.display = False
        self._question: Question | None = None
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Label("", id="prompt-label", markup=False)
        yield Field(id="prompt-input", compact=True, select_on_focus=False)
        yield Static("", id="prompt-hint", markup=False)

    def ask(self, question: Question) -> None:
        """Show the line and give it the keyboard."""
        self._question = question
        self._before = self.screen.focused if not self.display else self._before
        self.query_one("#prompt-label", Label).update(Text(f" {question.label}: "))
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = question.value
        field.cursor_position = len(question.value)
        self._say(question.hint)
        self.display = True
        self.app.clear_notifications()
        self._raise_toasts(True)
        self.screen.set_focus(field)  # at once: the answer may be there already

    def action_cancel(self) -> None:
        """Forget the question."""
        question, self._question = self._question, None
        self._hide()
        if question is not None and question.cancelled is not None:
            question.cancelled()

    def action_stay(self) -> None:
        """Stay: Tab does not leave the line, which is answered or left with Esc."""

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        question = self._question
        if question is None:
            return
        try:
            question.submit(event.value.strip())
        except UserError as error:
            self._say(str(error), wrong=True)
            return
        if self._question is question:  # an answer may lead to another question
            self._question = None
            self._hide()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        question = self._question
        if question is None:
            return
        try:
            if question.changed is not None:
                question.changed(event.value.strip())
        except UserError as error:
            self._say(str(error), wrong=True)
        else:
            self._say(question.hint)

    def _say(self, words: str, *, wrong: bool = False) -> None:
        style = self.app.theme_variables["error"] if wrong else "dim"
        self.query_one("#prompt-hint", Static).update(Text(clean(words), style=style, no_wrap=True))

    def _raise_toasts(self, raised: bool) -> None:
        """Show notifications above the line while it is shown."""
        self.screen.query_children("ToastRack").set_class(raised, "-raised")

    def _hide(self) -> None:
        self.display = False
        self._raise_toasts(False)
        before = self._before
        self.screen.set_focus(before if before is not None and before.is_attached else None)
