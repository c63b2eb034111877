"""The plane through the ways of a race's lanes, with the loss on it."""

import subprocess

import msgspec
import numpy as np
from textual import work

from engine.race.directory import RaceDir
from engine.runs import launch
from tui.plots.palette import lane_colors
from tui.plots.terrain import Terrain, Way
from tui.screens.race.replay import Landscape, TerrainScreen
from tui.text import number


class PlaneScreen(TerrainScreen):
    """A replay of the lanes on the plane of their weights, which an engine process computes from
    those that were kept of seed 0."""

    def __init__(self, race: RaceDir, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._race = race
        self._labels = labels
        self._process: subprocess.Popen[bytes] | None = None

    def on_mount(self) -> None:
        self.say("The lanes' weights on their plane", "computing the loss on it ...")
        self._compute()

    def on_unmount(self) -> None:
        if self._process is not None:  # the end of the app would wait for it
            self._process.kill()

    @work(thread=True, exclusive=True)
    def _compute(self) -> None:
        process = self._process = launch.ask(
            "engine.programs.plane", str(self._race.path.absolute()), "0"
        )
        out, _ = process.communicate()
        if process.returncode:
            words = "no weights of seed 0 were kept yet; they are with each evaluation of a race"
            self.app.call_from_thread(self.say, "The lanes' weights on their plane", words)
            return
        found = msgspec.json.decode(out)
        self.app.call_from_thread(self._arrived, found)

    def _arrived(self, found: dict[str, object]) -> None:
        plane = msgspec.convert(found, _Plane)
        colors = lane_colors(self.app.theme_variables)
        ways: list[Way] = []
        for way in plane.ways:
            index = self._labels.index(way.label) if way.label in self._labels else len(ways)
            ways.append(
                Way(
                    label=way.label,
                    points=np.array(way.points, dtype=float).reshape(-1, 2),
                    color=colors[index % len(colors)],
                    index=index,
                )
            )
        losses = np.array([[np.nan if v is None else v for v in row] for row in plane.losses])
        ground = Terrain(x=(plane.x[0], plane.x[-1]), y=(plane.y[0], plane.y[-1]), heights=losses)
        self.show(Landscape(ground, ways, unit="evaluation"))
        first, second = plane.explained
        low, high = float(np.nanmin(losses)), float(np.nanmax(losses))
        self.say(
            "The lanes' weights on the plane of their two principal directions",
            f"these hold {first:.0%} and {second:.0%} of the variance of all weights; validation "
            f"loss from {number(low, 3)} (dark) to {number(high, 3)} (light); seed {plane.seed}",
        )


class _Way(msgspec.Struct):
    label: str
    points: list[tuple[float, float]]


class _Plane(msgspec.Struct):
    seed: int
    explained: tuple[float, float]
    x: list[float]
    y: list[float]
    losses: list[list[float | None]]
    ways: list[_Way]
