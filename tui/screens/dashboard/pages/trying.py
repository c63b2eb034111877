"""The seventh page: the trained model is used, while it trains or afterwards."""

from collections.abc import Sequence
from functools import partial

from msgspec import structs
from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from engine.runs.questions import Answer, Question, Ready
from presets import UserError
from tui.panels.field import Field
from tui.panels.keys import Key, bindings, together
from tui.panels.panel_grid import COLUMNS, Cell
from tui.panels.trying.answer import AnswerPanel
from tui.panels.trying.hand_input import HandPanel
from tui.panels.trying.try_view import Asked, Trying
from tui.plots.lane_view import Lane, View
from tui.runs.respondent import Respondent
from tui.runs.run import own
from tui.screens.dashboard.pages.page import FlowPage

_SIDE_BY_SIDE = 2
_LIVE = ("classification", "regression")
"""Tasks that answer while a person types."""


class TryPage(FlowPage, can_focus=False):
    """The page on which a person asks the selected model, and the one after it beside it. Each
    answers in a process of its own, which ends with the page."""

    NAME = "Try"
    ID = "try-page"
    KEYS = (
        Key("escape", "leave", "Leave the text", "from the text to the keys of the page"),
        Key("enter", "type", "Type", "type a text, a path, a row, moves; Enter asks", footer=True),
        together(
            Key("f3", "warmer(1)", "Warmer", "a higher temperature for a text that goes on"),
            Key("f2", "warmer(-1)", "Colder", "a lower one"),
            does="on a text that goes on: a higher temperature; F2 a lower one",
            shown="F3",
        ),
        together(
            Key("f5", "longer(1)", "Longer", "let a text go on for longer"),
            Key("f4", "longer(-1)", "Shorter", "for less long"),
            does="on a text that goes on: longer; F4 shorter",
            shown="F5",
        ),
        Key("ctrl+n", "another", "Another text", "another text that goes on from the same words"),
    )
    BINDINGS = bindings(KEYS)

    class Loaded(Message):
        """A model can be asked, or cannot."""

        def __init__(self, respondent: Respondent, ready: Ready | None, error: str) -> None:
            super().__init__()
            self.respondent = respondent
            self.ready = ready
            self.error = error

    class Answered(Message):
        """A model wrote an answer, or its process is gone."""

        def __init__(self, respondent: Respondent, answer: Answer | None, error: str) -> None:
            super().__init__()
            self.respondent = respondent
            self.answer = answer
            self.error = error

    def __init__(self) -> None:
        super().__init__()
        self._trying = Trying()
        self._respondents: list[Respondent] = []
        self._runs: tuple[str, ...] = ()
        self._number = 0
        self._open = False
        self._model_moves = False
        self._answers = [
            AnswerPanel(id=f"answer-{place}", place=place) for place in range(_SIDE_BY_SIDE)
        ]
        self._hand = HandPanel(id="hand")
        self._hand.display = False
        self._field = Field(id="try-input", compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        yield self._field
        yield self._hand
        yield from self._answers

    def first(self) -> Widget | None:
        return self._hand if self._hand.display else self._field

    def opened(self) -> None:
        self._open = True
        if self._view is not None:
            self.show(self._view)

    def closed(self) -> None:
        self._open = False
        self._end()

    def on_unmount(self) -> None:
        self._end()

    def show(self, view: View) -> None:
        super().show(view)
        self._open = self._open or self.display
        lanes = self._lanes(view)
        runs = tuple(lane.state.id for lane in lanes)
        if self._open and runs != self._runs:
            self._end()
            self._runs = runs
            self._begin(lanes)

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        shown: list[tuple[Widget, Cell]] = [(self._field, Cell(COLUMNS, 1))]
        beside = len(self._trying.asked)
        if self._hand.display:
            shown.append(
                (self._hand, Cell(COLUMNS if self.narrow else 5, 12 if self.narrow else 0))
            )
        span = COLUMNS if not self._hand.display or self.narrow else 7
        each = Cell(span // max(1, beside))
        return [*shown, *((panel, each) for panel in self._answers[: max(1, beside)])]

    def _lanes(self, view: View) -> list[Lane]:
        """The runs that are asked: the selected one, and the one after it."""
        at = view.lanes.index(view.focus)
        lanes = [*view.lanes[at:], *view.lanes[:at]]
        return [lane for lane in lanes if not lane.state.read_only][:_SIDE_BY_SIDE]

    def _begin(self, lanes: Sequence[Lane]) -> None:
        self._trying = Trying()
        for lane in lanes:
            respondent = Respondent(own(lane.state.run))
            self._respondents.append(respondent)
            self._trying.asked.append(Asked(lane.label, lane.color))
            self.run_worker(partial(self._listen, respondent), thread=True, group="try")
        for place, panel in enumerate(self._answers):
            panel.display = place < max(1, len(lanes))
        if not lanes:
            self._trying.asked.append(
                Asked("", "#888888", error="another program's model cannot be asked")
            )
        self._hand.display = False
        self.settle()
        self._draw()

    def _end(self) -> None:
        """End the processes."""
        for respondent in self._respondents:
            respondent.close()
        self._respondents, self._runs = [], ()

    def _listen(self, respondent: Respondent) -> None:
        """In a thread: hand over what the process writes until it ends."""
        try:
            self.post_message(self.Loaded(respondent, respondent.ready(), ""))
            while True:
                self.post_message(self.Answered(respondent, respondent.receive(), ""))
        except UserError as error:
            self.post_message(self.Answered(respondent, None, str(error)))

    def _of(self, respondent: Respondent) -> Asked | None:
        if respondent not in self._respondents:
            return None
        return self._trying.asked[self._respondents.index(respondent)]

    def on_try_page_loaded(self, message: Loaded) -> None:
        """Show what the model can be asked."""
        asked = self._of(message.respondent)
        if asked is None or message.ready is None:
            return
        asked.ready = message.ready
        by_hand = message.ready.input in ("image", "game")
        if by_hand and not self._hand.display:
            self._hand.display = True
            if not self._field.value.strip():
                self.screen.set_focus(self._hand)
        self._field.placeholder = message.ready.example
        self.settle()
        if message.ready.input == "game" or self._field.value.strip():
            self._ask(self._field.value if message.ready.input != "game" else "")
        self._draw()

    def on_try_page_answered(self, message: Answered) -> None:
        """Show an answer, or why there is none."""
        asked = self._of(message.respondent)
        if asked is None:
            return
        if message.answer is None:
            asked.error = asked.error or message.error
        elif message.answer.id in (self._number, -1):
            asked.answer, asked.waits = message.answer, not message.answer.done
            self._reply(message.answer)
        self._draw()

    def _reply(self, answer: Answer) -> None:
        """Let the model move after a person did; the second of two models, where there are two."""
        position = answer.position
        if not self._model_moves or position is None or position.best is None:
            return
        answered = self._trying.asked[-1].answer
        if answered is not answer:
            return  # the other one is to move
        self._model_moves = False
        self._played([*self._trying.moves, position.best], answers=False)

    @on(Input.Submitted, "#try-input")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._ask(event.value.strip())

    @on(Input.Changed, "#try-input")
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        ready = [asked.ready for asked in self._trying.asked]
        live = all(r is not None and r.input == "text" and r.task in _LIVE for r in ready)
        if ready and live and event.value.strip():
            self._ask(event.value)

    def on_hand_panel_drawn(self, message: HandPanel.Drawn) -> None:
        """Ask what was drawn."""
        self._send(Question(id=0, pixels=message.pixels))

    def on_hand_panel_played(self, message: HandPanel.Played) -> None:
        """Go on with the game."""
        self._played(message.moves, answers=message.answers)

    def _played(self, moves: list[int], *, answers: bool) -> None:
        self._trying.moves, self._model_moves = moves, answers
        self._send(Question(id=0, moves=moves))

    def _ask(self, text: str) -> None:
        trying = self._trying
        self._send(
            Question(
                id=0,
                text=text,
                moves=trying.moves,
                temperature=trying.temperature,
                length=trying.length,
                seed=trying.seed,
            )
        )

    def _send(self, question: Question) -> None:
        """Ask all of them; the answer to an older question is not shown any more."""
        self._number += 1
        for respondent, asked in zip(self._respondents, self._trying.asked, strict=False):
            if asked.ready is None or asked.error:
                continue
            try:
                respondent.send(structs.replace(question, id=self._number))
                asked.waits = True
            except UserError as error:
                asked.error = str(error)
        self._draw()

    def _draw(self) -> None:
        for panel in (*self._answers, self._hand):
            if panel.display:
                panel.show(self._trying)

    def action_leave(self) -> None:
        """From the text field to the keys of the page."""
        if self.screen.focused is not self._field:
            raise SkipAction
        self.screen.set_focus(self._hand if self._hand.display else self._answers[0])

    def action_type(self) -> None:
        """To the text field."""
        if self.screen.focused is self._field:
            raise SkipAction
        self.screen.set_focus(self._field)

    def action_warmer(self, by: int) -> None:
        """Change the temperature, and write the text anew."""
        self._needs_writer()
        self._trying.temperature = round(max(0.0, min(2.0, self._trying.temperature + by / 10)), 1)
        self._again()

    def action_longer(self, by: int) -> None:
        """Change the length, and write the text anew."""
        self._needs_writer()
        self._trying.length = max(50, min(2000, self._trying.length + 50 * by))
        self._again()

    def action_another(self) -> None:
        """Write another text."""
        self._needs_writer()
        self._trying.seed += 1
        self._again()

    def _needs_writer(self) -> None:
        ready = [asked.ready for asked in self._trying.asked]
        if not any(each is not None and each.writes for each in ready):
            raise SkipAction

    def _again(self) -> None:
        if self._field.value.strip():
            self._ask(self._field.value)
        self._draw()
