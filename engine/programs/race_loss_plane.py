"""`python -m engine.programs.race_loss_plane RACE_DIR SEED [LANE]`: the plane of a race's lanes,
or of one of them by its number, as JSON.

The two directions in which the lanes' weights differ most are the axes (principal components, as
in Li et al. 2018, arXiv:1712.09913, section 7), and the loss is computed on a grid over them. Each
lane counts alike, however far it goes: a lane that runs off would else be all that is seen.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import nn

from engine import tasks
from engine.config import configure, registry
from engine.race.directory import RaceDir
from engine.race.plan import finals
from engine.runs.safe_file_access import open_regular
from engine.tasks import Task
from engine.tasks.held_out_split import HeldOut, Tensors
from engine.training.recording import weight_path
from presets import UserError
from presets.schema import RunConfig

GRID = 25
MARGIN = 0.15
"""The margin around the paths on each side, as a share of their extent."""
FAR = 3.0
"""A lane that goes this many times as far as the median lane does not widen the grid."""
_STRAIGHT = 1e-8
"""Share of the first direction's variance below which there is no second direction."""
MAX_SAMPLES = 1024
"""Maximum number of validation samples on which the loss is computed."""

Floats = NDArray[np.float32]


class Way(Struct, frozen=True, kw_only=True):
    """The path of a lane's weights on the plane."""

    label: str
    steps: list[int]
    points: list[tuple[float, float]]


class Plane(Struct, frozen=True, kw_only=True):
    """The plane of the two directions in which the lanes differ most, and the loss over it."""

    seed: int
    explained: tuple[float, float]
    """The share of the variance of all weights that lies in each direction."""
    x: list[float]
    y: list[float]
    losses: list[list[float | None]]
    """The validation loss (y, x); None where it is not finite. Dropout is off, and batch norm takes
    the statistics of these samples."""
    ways: list[Way]


def of_race(race: RaceDir, seed: int, lane: int | None = None) -> Plane:
    """The plane of a race's lanes for one seed, or of one lane alone. Raises UserError if there are
    no weights."""
    spec = race.spec()
    ways: list[tuple[str, list[int], Floats]] = []
    config: RunConfig | None = None
    for planned in finals(spec):
        run = race.run(planned.name)
        if planned.number != seed or lane not in (None, planned.lane):
            continue
        if not (found := weight_path.listed(run)):
            continue
        rows = np.stack([_vector(path) for _, path in found])
        if ways and rows.shape[1] != ways[0][2].shape[1]:
            continue  # a lane with another model
        config = config or run.config()
        ways.append((spec.lanes[planned.lane].label, [step for step, _ in found], rows))
    if config is None:
        raise UserError(f"{race.id}: no weights were kept of seed {seed}")
    return _through(config, ways, seed)


def _vector(path: Path) -> Floats:
    with open_regular(path) as file:
        vector: Floats = np.load(file, allow_pickle=False)
    return vector


def _through(config: RunConfig, ways: list[tuple[str, list[int], Floats]], seed: int) -> Plane:
    found = place([rows for *_, rows in ways])
    losses = _losses(config, found.centre, found.axes, found.x, found.y)
    return Plane(
        seed=seed,
        explained=found.explained,
        x=found.x.tolist(),
        y=found.y.tolist(),
        losses=[[float(v) if np.isfinite(v) else None for v in row] for row in losses],
        ways=[
            Way(
                label=label,
                steps=steps,
                points=[(float(a), float(b)) for a, b in points if np.isfinite(a + b)],
            )
            for (label, steps, _), points in zip(ways, found.points, strict=True)
        ],
    )


@dataclass(frozen=True)
class Placed:
    """Where ways lie on a plane of all weights."""

    centre: Floats
    """The place of the plane's origin, float32 (n,)."""
    axes: Floats
    """float32 (2, n), each of length 1."""
    explained: tuple[float, float]
    x: Floats
    y: Floats
    """The grid over the plane."""
    points: list[Floats]
    """The points of each way, float32 (steps, 2)."""


def place(ways: list[Floats]) -> Placed:
    """The plane through ways, float32 (steps, n) each, as it suits most of them."""
    known = [rows[np.isfinite(rows).all(axis=1)] for rows in ways]
    reaches = [_reach(rows) for rows in known]
    near = [reach <= FAR * float(np.median(reaches)) for reach in reaches]
    centre = np.concatenate([known[at] for at, is_near in enumerate(near) if is_near]).mean(axis=0)
    alike = [(rows - rows[:1]) / (reach or 1.0) for rows, reach in zip(known, reaches, strict=True)]
    scaled = np.concatenate(alike)
    axes, shares = principal((scaled - scaled.mean(axis=0)).astype(np.float32))
    points = [(rows - centre) @ axes.T for rows in ways]
    seen = np.concatenate([points[at] for at, is_near in enumerate(near) if is_near])
    seen = seen[np.isfinite(seen).all(axis=1)]
    return Placed(
        centre=centre,
        axes=axes,
        explained=(float(shares[0]), float(shares[1])),
        x=_grid(seen[:, 0]),
        y=_grid(seen[:, 1]),
        points=points,
    )


def _reach(rows: Floats) -> float:
    """How far a lane goes from its start; 0 for one without finite weights."""
    if not len(rows):
        return 0.0
    return float(np.linalg.norm((rows - rows[0]).astype(np.float64), axis=1).max())


def principal(centred: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """The two directions of most variance, float32 (2, n) of length 1, and their shares of it.

    There are far fewer rows than numbers in each, so the small Gram matrix is decomposed.
    """
    gram = centred.astype(np.float64) @ centred.T
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1][:2]
    axes: Floats = (vectors[:, order].T @ centred).astype(np.float32)
    if values[order[1]] <= _STRAIGHT * values[order[0]]:  # only noise is across a straight way
        across = np.resize(np.array([1.0, -1.0]), centred.shape[1])
        ahead = axes[0].astype(np.float64) / (float(np.linalg.norm(axes[0])) or 1.0)
        axes[1] = across - (across @ ahead) * ahead
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    axes /= np.where(lengths > 0, lengths, np.float32(1))
    return axes, np.maximum(values[order], 0.0) / (float(values.sum()) or 1.0)


def _grid(places: Floats) -> Floats:
    low, high = float(places.min()), float(places.max())
    margin = MARGIN * ((high - low) or 1.0)
    return np.linspace(low - margin, high + margin, GRID, dtype=np.float32)


@torch.no_grad()
def _losses(
    config: RunConfig, centre: Floats, axes: Floats, x: Floats, y: Floats
) -> NDArray[np.float64]:
    data = registry.build("dataset", config.dataset)
    info = configure.dataset_info(config)
    model: nn.Module = registry.build("model", config.model, info)
    task = tasks.of(config, info, data.codec)
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    held = HeldOut(data.val, torch.device("cpu"))
    sample = held.samples(range(min(MAX_SAMPLES, len(held))))
    return np.array(
        [[_loss(model, task, sample, centre + a * axes[0] + b * axes[1]) for a in x] for b in y]
    )


def _loss(model: nn.Module, task: Task, sample: Tensors, weights: Floats) -> float:
    weight_path.load_into(model, weights.astype(np.float32))
    x, y = sample
    return float(task.loss(task.output(model, x, y), y))


def main(arguments: list[str] | None = None) -> int:
    """Prints the plane; returns the exit status, with a line on stderr if it is 2."""
    torch.set_num_threads(1)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        lane = int(given[2]) if len(given) > 2 else None
        plane = of_race(RaceDir(Path(given[0])), int(given[1]), lane)
    except (IndexError, ValueError):
        print(
            "usage: python -m engine.programs.race_loss_plane RACE_DIR SEED [LANE]", file=sys.stderr
        )
        return 2
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(msgspec.json.encode(plane))
    return 0


if __name__ == "__main__":
    sys.exit(main())
