"""Optimizers descend a surface of two variables."""

import subprocess
from contextlib import suppress

import msgspec
import numpy as np
from textual import work

from engine.race import surfaces
from engine.race.surfaces import SURFACES, Surface
from engine.runs import start_process
from tui.panels.keys import Key, bindings
from tui.plots.palette import lane_colors
from tui.plots.terrain import Terrain, Way, minimum
from tui.screens.race.terrain_screen import Landscape, TerrainScreen
from tui.text import number

_OPTIMIZERS = ("sgd", "momentum-classic", "nesterov", "rmsprop", "adam", "lbfgs")
STEPS = 200
_GRID = 121


class DescentScreen(TerrainScreen):
    """A replay of optimizers on a surface, each with the best learning rate of one grid; an engine
    process computes the ways."""

    KEYS = (Key("s", "surface", "Surface", "the next surface", footer=True), *TerrainScreen.KEYS)
    BINDINGS = bindings(KEYS)

    def __init__(self) -> None:
        super().__init__()
        self._surface = surfaces.surface("rosenbrock")
        self._process: subprocess.Popen[bytes] | None = None

    def on_mount(self) -> None:
        self._turn_to(self._surface)

    def on_unmount(self) -> None:
        if self._process is not None:
            self._process.kill()

    def action_surface(self) -> None:
        """The next surface, with the same optimizers."""
        names = list(SURFACES)
        following = names[(names.index(self._surface.name) + 1) % len(names)]
        self._turn_to(surfaces.surface(following))

    def _turn_to(self, place: Surface) -> None:
        """Show a surface at once, without ways until they are computed. All that a thread found
        for another surface is dropped: the name and the picture are those of one surface."""
        self._surface = place
        if self._process is not None:
            self._process.kill()
            self._process = None
        self.show(Landscape(ground(place), ()))
        self.say(
            f"{place.name}   f = {place.formula}",
            "each optimizer gets the best of 17 learning rates; computing ...",
        )
        self._descend(place)

    def _begun(self, process: subprocess.Popen[bytes], place: Surface) -> None:
        """A process computes the ways; if another surface was chosen meanwhile, for nothing."""
        if place is self._surface and self.is_running:
            self._process = process
        else:
            process.kill()

    @work(thread=True, exclusive=True)
    def _descend(self, place: Surface) -> None:
        request = {"surface": place.name, "optimizers": _OPTIMIZERS, "steps": STEPS}
        process = start_process.ask("engine.programs.descent")
        self.app.call_from_thread(self._begun, process, place)
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # killed meanwhile, for another surface
            process.stdin.write(msgspec.json.encode(request))
            process.stdin.close()
        ways: list[Way] = []
        trouble = ""
        colors = lane_colors(self.app.theme_variables)
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of it
            found = msgspec.json.decode(line)
            index = _OPTIMIZERS.index(found["optimizer"])
            if found["error"]:
                trouble = f"{found['optimizer']}: {found['error']}"
                continue
            lowest = f"lr {number(found['lr'], 2)}, ends at {number(found['values'][-1], 3)}"
            ways.append(
                Way(
                    label=found["optimizer"],
                    points=np.array(found["path"]),
                    color=colors[index % len(colors)],
                    index=index,
                    note=lowest,
                )
            )
            self.app.call_from_thread(self._arrived, place, tuple(ways), trouble)
        process.wait()
        if not ways:
            words = trouble or "the engine found no way; python -m engine.programs.descent says why"
            self.app.call_from_thread(self._failed, place, words)

    def _failed(self, place: Surface, words: str) -> None:
        if place is self._surface:
            self.say(f"{place.name}: {place.formula}", words)

    def _arrived(self, place: Surface, ways: tuple[Way, ...], trouble: str) -> None:
        if place is not self._surface:
            return  # another surface was chosen meanwhile
        before = self._landscape
        landscape = Landscape(ground(place), ways)
        if before is not None and before.ways:
            landscape.at = before.at
        self.show(landscape)
        waiting = len(_OPTIMIZERS) - len(ways)
        mark = minimum(plain=bool(getattr(self.app, "plain", False)))
        where = f"{mark} marks the minimum" if place.minima else "it has no minimum"
        words = f"each with the best of 17 learning rates, after 200 steps; {where}"
        self.say(
            f"{place.name}   f = {place.formula}",
            trouble or (f"{words}; {waiting} to come" if waiting else words),
        )


def ground(place: Surface) -> Terrain:
    """The heights of a surface over the part of the plane that is shown."""
    x, y = np.meshgrid(np.linspace(*place.x_range, _GRID), np.linspace(*place.y_range, _GRID))
    return Terrain(
        x=place.x_range, y=place.y_range, heights=place.function(x, y), minima=place.minima
    )
