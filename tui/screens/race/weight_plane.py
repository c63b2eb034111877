"""The plane through the ways of a race's lanes, with the loss on it."""

import subprocess

import msgspec
import numpy as np
from textual import work

from engine.race.directory import RaceDir
from engine.runs import start_process
from tui.plots.palette import lane_colors
from tui.plots.terrain import Terrain, Way
from tui.runs.points.series import Floats
from tui.screens.race.terrain_screen import Landscape, TerrainScreen
from tui.text import number


class PlaneScreen(TerrainScreen):
    """A replay of the lanes on the plane of their weights, which an engine process computes from
    those that were kept of seed 0. A lane alone has a plane of its own, in which it is seen whole
    however short its way is beside the others."""

    def __init__(self, race: RaceDir, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._race = race
        self._labels = labels
        self._lane: int | None = None
        """The lane whose plane is shown; None for that of all."""
        self._known: dict[int | None, tuple[Landscape, str]] = {}
        """The planes that were computed, and what is said of each."""
        self._processes: list[subprocess.Popen[bytes]] = []

    def on_mount(self) -> None:
        self._turn_to(None)

    def on_unmount(self) -> None:
        for process in self._processes:  # the end of the app would wait for them
            process.kill()

    def action_solo(self) -> None:
        """Show the next lane on its own plane; after the last one, all of them."""
        following = 0 if self._lane is None else self._lane + 1
        self._turn_to(following if following < len(self._labels) else None)

    def _turn_to(self, lane: int | None) -> None:
        """Show the plane of a lane, or of all, once it is computed."""
        self._lane = lane
        if lane in self._known:
            landscape, words = self._known[lane]
            landscape.at = 0
            self.show(landscape)
            self.say(self._title(lane), words)
        else:
            self.say(self._title(lane), "computing the loss on it ...")
            self._compute(lane)

    def _title(self, lane: int | None) -> str:
        if lane is None:
            return "The lanes' weights on the plane of their two principal directions"
        return f"{self._labels[lane]} on the plane of its own two principal directions"

    @work(thread=True)
    def _compute(self, lane: int | None) -> None:
        only = [] if lane is None else [str(lane)]
        folder = str(self._race.path.absolute())
        process = start_process.ask("engine.programs.race_loss_plane", folder, "0", *only)
        self._processes.append(process)
        out, _ = process.communicate()
        if process.returncode:
            self.app.call_from_thread(self._failed, lane)
            return
        self.app.call_from_thread(self._arrived, lane, msgspec.json.decode(out))

    def _failed(self, lane: int | None) -> None:
        if lane == self._lane:
            words = "no weights of seed 0 were kept yet; they are with each evaluation of a race"
            self.say(self._title(lane), words)

    def _arrived(self, lane: int | None, found: dict[str, object]) -> None:
        """Keep a plane, and show it if it is still asked for."""
        plane = msgspec.convert(found, _Plane)
        self._known[lane] = self._landscape_of(plane), _words(plane)
        if lane == self._lane:
            self._turn_to(lane)

    def _landscape_of(self, plane: "_Plane") -> Landscape:
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
                    note="goes beyond the edge" if _leaves(way.points, plane) else "",
                )
            )
        losses = _heights(plane)
        ground = Terrain(
            x=(plane.x[0], plane.x[-1]),
            y=(plane.y[0], plane.y[-1]),
            heights=losses,
            minima=_lowest(plane, losses),
        )
        return Landscape(ground, ways, unit="evaluation")


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


def _heights(plane: _Plane) -> Floats:
    """The losses, float64 (y, x); NaN where there is none."""
    return np.array([[np.nan if v is None else v for v in row] for row in plane.losses])


def _lowest(plane: _Plane, losses: Floats) -> tuple[tuple[float, float], ...]:
    """Where the loss on the grid is smallest; nowhere if none is finite."""
    if not np.isfinite(losses).any():
        return ()
    row, column = np.unravel_index(np.nanargmin(losses), losses.shape)
    return ((plane.x[int(column)], plane.y[int(row)]),)


def _leaves(points: list[tuple[float, float]], plane: _Plane) -> bool:
    x, y = plane.x, plane.y
    return any(not (x[0] <= a <= x[-1] and y[0] <= b <= y[-1]) for a, b in points)


def _words(plane: _Plane) -> str:
    """What is said of a plane."""
    losses = _heights(plane)
    known = losses[np.isfinite(losses)]
    first, second = plane.explained
    loss = "no finite loss"
    if len(known):
        low, high = float(known.min()), float(known.max())
        loss = f"validation loss {number(low, 3)} (x, dark) to {number(high, 3)} (light)"
    return f"{loss}; the directions hold {first:.0%} and {second:.0%} of the variance; o: each lane"
