"""How busy the machine is that the dashboard runs on, now and in the last minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from tui.panels.panel import Panel
from tui.plots import bars
from tui.plots.lane_view import View
from tui.text import clean, column, file_size

if TYPE_CHECKING:
    from tui.machine.gpus import Gpu
    from tui.machine.usage import Sample

_BAR = 10
_CORE_WIDTH = 15
"""Width of a core with its number, bar and share, in cells."""
_LABEL = 10
_PAST_ROWS = 8
"""Most lines of a drawing of the past."""


class MachinePanel(Panel):
    """A panel that draws the samples that it is given, oldest first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._samples: Sequence[Sample] = ()

    def take(self, samples: Sequence[Sample]) -> None:
        """Draw these samples from now on."""
        self._samples = samples
        self._redraw()

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        if not self._samples:
            return [self._faint("measuring")]
        return self.measured(self._samples, width, height)

    def measured(self, samples: Sequence[Sample], width: int, height: int) -> list[Text]:
        """The lines under the title; there is at least one sample."""
        raise NotImplementedError

    def _faint(self, words: str) -> Text:
        return Text(f" {words}", style=self.color("plot-ink"))

    def _bar(self, share: float, width: int = _BAR) -> Text:
        """A bar, in another colour when little is left."""
        color = self.color("error" if share > 0.95 else "warning" if share > 0.8 else "lane-0")
        return Text(bars.bar(share, width, ascii_only=self.plain), style=color)

    def _gauge(self, label: str, share: float, words: str) -> Text:
        line = Text(f" {label:<{_LABEL}}", style=self.color("plot-ink"))
        line.append(self._bar(share, max(3, min(_BAR, self.size.width - 37))))
        return line.append(f" {share:4.0%}  {words}", style="none")

    def _past(
        self, label: str, values: Sequence[float | None], top: float, width: int, rows: int = 1
    ) -> list[Text]:
        """The past samples, a column each, from 0 at the bottom to `top` at the top."""
        width -= _LABEL + 2
        drawn = bars.past(values, top, width, max(1, rows), ascii_only=self.plain)
        lines = []
        for number, cells in enumerate(drawn):
            words = label if number == 0 else ""
            line = Text(f" {words:<{_LABEL}}", style=self.color("plot-ink"))
            lines.append(line.append(cells, style=self.color("lane-0")))
        return lines


class GpuPanel(MachinePanel):
    """A panel with two lines a GPU: its state now, and how busy it was."""

    HEADING = "GPUs"

    def measured(self, samples: Sequence[Sample], width: int, height: int) -> list[Text]:
        newest = samples[-1]
        if newest.gpu_problem:
            return [self._faint(clean(newest.gpu_problem, 300))]
        if not newest.gpus:
            return [self._faint("this machine has no NVIDIA GPU")]
        rows = min(_PAST_ROWS, height // len(newest.gpus) - 1)  # with many, the past has to go
        lines = []
        for gpu in newest.gpus:
            lines.append(self._line(gpu, width))
            if rows > 0:
                busy = [_busy(sample, gpu.index) for sample in samples]
                lines += self._past("busy", busy, 1.0, width, rows)
        return lines

    def _line(self, gpu: Gpu, width: int) -> Text:
        name = clean(gpu.name, 40).removeprefix("NVIDIA ")
        line = Text(f" {gpu.index} {column(name, max(8, min(24, width - 66)))} ")
        busy = gpu.busy
        line.append(self._bar(busy or 0.0)).append(f" {'-' if busy is None else f'{busy:.0%}':>4}")
        if gpu.memory_used is not None and gpu.memory_total:
            line.append("  ").append(self._bar(gpu.memory_used / gpu.memory_total))
            line.append(f" {file_size(gpu.memory_used)} of {file_size(gpu.memory_total)}")
        if gpu.watts is not None:
            limit = f"/{gpu.watts_limit:.0f}" if gpu.watts_limit else ""
            line.append(f"  {gpu.watts:.0f}{limit} W")
        if gpu.celsius is not None:
            hot = self.color("warning") if gpu.celsius >= 80 else ""
            line.append(f"  {gpu.celsius:.0f} C", style=hot)
        if gpu.engine_memory is not None:
            line.append(f"  engine {file_size(gpu.engine_memory)}", style=self.color("plot-ink"))
        line.truncate(width, overflow="ellipsis")
        return line


def _busy(sample: Sample, index: int) -> float | None:
    return sample.gpus[index].busy if index < len(sample.gpus) else None


class ProcessorPanel(MachinePanel):
    """A panel with a small bar for each core, and how busy all of them were."""

    HEADING = "Processor"

    def heading(self, view: View) -> Text:
        if not self._samples:
            return Text()
        newest = self._samples[-1]
        load = " ".join(f"{value:.2f}" for value in newest.load)
        words = f"{len(newest.cores)} cores, {newest.busy:.0%} busy"
        return Text(f"{words}, load {load}" if load else words)

    def measured(self, samples: Sequence[Sample], width: int, height: int) -> list[Text]:
        cores = self._cores(samples[-1].cores, width)
        rows = min(_PAST_ROWS, height - len(cores))
        busy = [sample.busy for sample in samples]
        return [*self._past("all cores", busy, 1.0, width, rows), *cores][:height]

    def _cores(self, cores: Sequence[float], width: int) -> list[Text]:
        each = max(1, (width - 1) // _CORE_WIDTH)
        if len(cores) > 4 * each:  # a server: one character each
            drawn = "".join(bars.column(share, ascii_only=self.plain) for share in cores)
            room = max(1, width - 2)
            return [
                Text(f" {drawn[begin : begin + room]}", style=self.color("lane-1"))
                for begin in range(0, len(drawn), room)
            ]
        lines = []
        for begin in range(0, len(cores), each):
            line = Text(" ")
            for number, share in enumerate(cores[begin : begin + each], start=begin):
                line.append(f"{number:>2} ", style=self.color("plot-ink"))
                line.append(bars.bar(share, 6, ascii_only=self.plain), style=self.color("lane-1"))
                line.append(f"{share:4.0%}  ")
            lines.append(line)
        return lines


class MemoryPanel(MachinePanel):
    """A panel of memory, swap, the disk of the runs, and the network."""

    HEADING = "Memory, disk, network"

    def measured(self, samples: Sequence[Sample], width: int, height: int) -> list[Text]:
        newest = samples[-1]
        lines = []
        for label, used, total in (
            ("memory", newest.memory_used, newest.memory_total),
            ("swap", newest.swap_used, newest.swap_total),
            ("runs disk", newest.disk_used, newest.disk_total),
        ):
            if total:
                words = f"{file_size(used)} of {file_size(total)}"
                lines.append(self._gauge(label, used / total, words))
        if newest.received is not None and newest.sent is not None:
            words = f" {'network':<{_LABEL}}{_rate(newest.received)} in, {_rate(newest.sent)} out"
            lines.append(Text(words))
        taken = [float(sample.memory_used) for sample in samples]
        rows = min(_PAST_ROWS, height - len(lines))
        lines[1:1] = self._past("", taken, newest.memory_total, width, rows)
        return lines[:height]


def _rate(bytes_per_second: float) -> str:
    return f"{file_size(round(bytes_per_second))}/s"


class EnginePanel(MachinePanel):
    """A panel of the process that trains the selected run."""

    HEADING = "Engine"

    def measured(self, samples: Sequence[Sample], width: int, height: int) -> list[Text]:
        newest = samples[-1]
        engine = newest.engine
        if engine is None:
            problem = clean(newest.engine_problem, 300)
            return [Text(f" {problem}", style=self.color("warning"))]
        of_it = [s.engine for s in samples if s.engine is not None and s.engine.pid == engine.pid]
        cores = "-" if engine.cores is None else f"{engine.cores:.0%}"
        line = Text(f" process {engine.pid}  {cores} of a core  {engine.threads} threads")
        line.append(f"  {file_size(engine.memory)} of memory")
        work = max(1.0, *(sample.cores or 0.0 for sample in of_it))
        memory = 1.25 * max(sample.memory for sample in of_it)
        rows = (height - 1) // 2
        return [
            line,
            *self._past("work", [sample.cores for sample in of_it], work, width, rows),
            *self._past("memory", [float(sample.memory) for sample in of_it], memory, width, rows),
        ][:height]
