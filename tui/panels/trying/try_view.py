"""What is asked, by whom, and what was answered until now: the view of the page *Try*."""

from dataclasses import dataclass, field

from engine.runs.questions import Answer, Ready
from tui.panels.panel import Panel


@dataclass
class Asked:
    """One run that is asked."""

    label: str
    color: str
    """As #rrggbb."""
    ready: Ready | None = None
    """None while its model is loaded."""
    answer: Answer | None = None
    """The newest answer, or part of one."""
    error: str = ""
    """Why it cannot be asked."""
    waits: bool = False
    """Whether an answer is to come."""


@dataclass
class Trying:
    """The runs that are asked side by side, and how."""

    asked: list[Asked] = field(default_factory=list)
    temperature: float = 0.8
    length: int = 200
    seed: int = 0
    moves: list[int] = field(default_factory=list)
    """The moves of the game that is played."""


class TryingPanel(Panel[Trying]):
    """A panel of the page *Try*; the runs' own view, which a dashboard shows all panels, is not for
    it."""

    def show(self, view: Trying) -> None:
        if isinstance(view, Trying):
            super().show(view)

    def show_figures(self, view: Trying) -> None:
        if isinstance(view, Trying):
            super().show_figures(view)
