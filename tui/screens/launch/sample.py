"""What is in the chosen data set: a few samples, read in a thread, drawn in cells."""

from functools import partial
from typing import Any

import msgspec
from rich.text import Text
from textual import work
from textual.message import Message
from textual.widgets import Static

from engine.config import dataset_preview, registry
from engine.config.dataset_preview import Sample
from engine.config.registry import DatasetInfo
from presets import UserError
from presets.schema import Component
from tui.screens.app_screen import host
from tui.text import clean, count

_REMEMBERED = 16  # data sets that were shown


class SampleView(Static):
    """A view of a data set: a heading, and as many samples as fit."""

    class Loaded(Message):
        """A data set was read; `found` is one line of text if it cannot be."""

        def __init__(
            self,
            key: bytes,
            heading: str,
            found: Sample | str | None,
            said: tuple[tuple[str, ...], tuple[str, ...]],
        ) -> None:
            super().__init__()
            self.key = key
            self.heading = heading
            self.found = found
            self.notes, self.cautions = said

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._wanted = b""
        self._drawn: object = None
        """The facts that decide the picture, which is not drawn twice."""
        self._known: dict[bytes, SampleView.Loaded | None] = {}
        """The data sets that were read; None while one is being read."""

    def show(self, data: Component) -> None:
        """Draw this data set as soon as it is read."""
        self._wanted = msgspec.json.encode(data, order="deterministic")
        if self.content_size.height < 3:  # hidden, or no room: nothing is read for it
            return
        if self._wanted not in self._known:
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[self._wanted] = None
            host(self).when_painted(partial(self._load, self._wanted, data))
        self._draw()

    @work(thread=True)
    def _load(self, key: bytes, data: Component) -> None:
        heading = data.name
        said: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        try:
            module = registry.module("dataset", data.type)
            info = module.info(registry.config("dataset", data))
            sizes = " / ".join(count(size) for size in info.samples.values())
            heading += f": {sizes} samples (train/val/test) of {_size(info)}"
            said = info.notes, info.cautions
            found: Sample | str | None = dataset_preview.of(data)
        except UserError as error:
            found = str(error)
        self.post_message(self.Loaded(key, clean(heading), found, said))

    def on_sample_view_loaded(self, message: Loaded) -> None:
        self._known[message.key] = message
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        known = self._known.get(self._wanted)
        drawn = (known, self.content_size, self.app.theme)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if known is None:
            self.update("")
            return
        app: Any = self.app
        colors = app.theme_variables
        heading = Text(known.heading, style=colors["plot-ink"], no_wrap=True, overflow="ellipsis")
        if isinstance(known.found, str):
            lines = [Text(clean(known.found), style=colors["error"])]
        elif known.found is None:
            lines = [Text("it has no samples to show", style="dim")]
        else:
            # It imports NumPy, which the first picture does not wait for.
            from tui.choices import sample_lines

            canvas = sample_lines.Canvas(
                width=self.content_size.width,
                height=self.content_size.height - 1,
                warning=colors["warning"],
                ink=colors["plot-ink"],
                foreground=colors["foreground"],
                lanes=tuple(colors[f"lane-{number}"] for number in range(8)),
                ascii_only=bool(app.plain or app.colorless),
            )
            lines = sample_lines.draw(known.found, canvas, known.notes, known.cautions)
        self.update(Text("\n").join([heading, *lines]))


def _size(info: DatasetInfo) -> str:
    """The size of one sample, in words."""
    *_, width = info.input_shape
    if info.task == "language":
        return f"{width} symbols"
    if len(info.input_shape) == 3:
        return f"{info.input_shape[1]}x{width} pixels"
    return f"{'x'.join(map(str, info.input_shape))} numbers"
