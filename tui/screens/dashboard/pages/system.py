"""The fifth page: how busy this machine is, and the process that trains the selected run."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.widget import Widget

from tui.panels.machine import EnginePanel, GpuPanel, MachinePanel, MemoryPanel, ProcessorPanel
from tui.panels.panel import Panel
from tui.panels.panel_grid import COLUMNS, Cell
from tui.plots.lane_view import View
from tui.runs.run import Run
from tui.screens.dashboard.pages.page import FixedPage

if TYPE_CHECKING:
    from tui.machine.usage import Sample

SAMPLE_SECONDS = 1.5
"""How often the machine is measured while the page is shown."""
MAX_SAMPLES = 240
"""How many samples the sparklines keep: six minutes, more than a screen has columns."""


class SystemPage(FixedPage, can_focus=False):
    """The page of GPUs, processor and memory; it measures only while it is shown."""

    NAME = "System"
    ID = "system-page"

    class Measured(Message):
        """A thread measured the machine; `sample` is None if that failed."""

        def __init__(self, run: Run, sample: Sample | None) -> None:
            super().__init__()
            self.run = run
            self.sample = sample

    def __init__(self) -> None:
        from tui.machine.usage import Sampler  # not before the page is opened

        super().__init__()
        self._sampler = Sampler()
        self._samples: deque[Sample] = deque(maxlen=MAX_SAMPLES)
        self._run: Run | None = None
        self._busy = False
        """Whether a thread is measuring at this moment."""

    def panels(self) -> Sequence[tuple[Panel, Cell, Cell]]:
        return [
            (EnginePanel(id="engine"), Cell(COLUMNS, 8), Cell(COLUMNS, 4)),
            (GpuPanel(id="gpus"), Cell(COLUMNS), Cell(COLUMNS)),
            (ProcessorPanel(id="processor"), Cell(6), Cell(6)),
            (MemoryPanel(id="memory"), Cell(6), Cell(6)),
        ]

    def placed(self, width: int, height: int) -> Sequence[tuple[Widget, Cell]]:
        """GPUs take the lines that they need, so that a machine without any wastes none."""
        number = len(self._samples[-1].gpus) if self._samples else 0
        lines = 1 + max(1, min((2 if self.narrow else 4) * number, height // 2))
        return [
            (panel, Cell(COLUMNS, lines) if isinstance(panel, GpuPanel) else cell)
            for panel, cell in super().placed(width, height)
        ]

    def on_mount(self) -> None:
        self._timer = self.set_interval(SAMPLE_SECONDS, self._measure)

    def on_unmount(self) -> None:
        self._sampler.close()

    def opened(self) -> None:
        self._timer.resume()
        self._measure()

    def closed(self) -> None:
        self._timer.pause()

    def show(self, view: View) -> None:
        super().show(view)
        if self._run != view.focus.state.run:
            self._run = view.focus.state.run
            self._measure()

    def _measure(self) -> None:
        if self._run is not None and not self._busy:
            self._busy = True
            self._sample(self._run)

    # A driver or a network disk may take its time; the screen does not wait for it.
    @work(thread=True, group="system")
    def _sample(self, run: Run) -> None:
        import psutil

        sample = None
        with suppress(OSError, RuntimeError, psutil.Error):  # a system that does not let us measure
            sample = self._sampler.sample(run)
        self.post_message(self.Measured(run, sample))

    def on_system_page_measured(self, message: Measured) -> None:
        """Show it, if it is still about the run at hand."""
        self._busy = False
        sample = message.sample
        if message.run != self._run:
            self._measure()
        elif sample is not None:
            others = len(self._samples[-1].gpus) if self._samples else -1
            self._samples.append(sample)
            samples = tuple(self._samples)
            for panel in self.query(MachinePanel):
                panel.take(samples)
            if others != len(sample.gpus):
                self.settle()
