"""Checkpoints as they are on the disk: found, verified and read, without torch.

    checkpoints/step-00001200/
      weights.safetensors   the model's parameters and buffers: those that were judged
      trained.safetensors   those that training goes on with, where they are others
      averaged.safetensors  the moving average, with `ema_decay`
      tensors.pt            the optimizer's state and the random streams
      state.json            `State`
      manifest.json         `Manifest`: sizes and SHA-256 of the others

A folder has this name only once all of it is on the disk; `checkpoint_store` writes it.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, TypeVar
from zlib import crc32

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from engine.config.schedules import Plateau
from engine.runs.run_directory import RunDir
from engine.runs.safe_file_access import open_regular
from presets import UserError
from presets.schema import Clip, Count, Positive

WEIGHTS, TENSORS, STATE = "weights.safetensors", "tensors.pt", "state.json"
TRAINED, AVERAGED = "trained.safetensors", "averaged.safetensors"
MANIFEST = "manifest.json"
Reason = Literal["interval", "best", "end", "command", "stop"]
WeightSet = Literal["judged", "trained", "averaged"]
"""`judged`: those behind `val/loss` and the best checkpoint, with which a fork begins; `trained`:
those of the last step, with which a run goes on; `averaged`: those behind `val/ema_loss`. Each has
batch-norm statistics of its own."""

_MAX_JSON_BYTES = 16 * 2**20
_CRC = b',"crc":"%08x"}'
_CRC_LENGTH = len(_CRC % 0)

T = TypeVar("T", bound=Struct)
_Whole = Annotated[int, Meta(ge=0, le=2**62)]


class Best(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The best validation value of a run so far."""

    metric: str
    """`val/accuracy`, or `val/loss` where there is no accuracy."""
    value: float
    step: _Whole


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scalars of a checkpoint that decide how a run goes on."""

    step: _Whole
    steps: Count
    """The planned total, which commands may have changed."""
    seconds: Annotated[float, Meta(ge=0)]
    """Seconds since the run's start."""
    optimizer: str
    """The type of the optimizer; another type cannot use its state."""
    lr: Positive
    """The learning rate before the schedule."""
    clip: Clip
    best: Best | None = None
    plateau: Plateau = Plateau()
    applied: list[str] = []
    """The ids of the `set` commands that had been applied."""


class FileFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The size and checksum that a file must have."""

    bytes: _Whole
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The description of a checkpoint, by which a reader tells whether it is whole."""

    format: Literal[1] = 1
    step: _Whole
    sequence: _Whole
    """The number of the checkpoint in the order of writing, within its run."""
    reason: Reason
    best: bool
    """Whether the validation value was the best so far."""
    finite: bool
    """Whether all weights are finite."""
    files: dict[str, FileFacts]
    weights: dict[str, list[WeightSet]] | UnsetType = UNSET
    """Which weights are in which file; absent if `weights.safetensors` has the only ones, so that
    older versions can read the checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder with a readable manifest; `verify` tells whether its files are whole."""

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def step(self) -> int:
        return self.manifest.step

    @property
    def bytes(self) -> int:
        return sum(facts.bytes for facts in self.manifest.files.values())


def read(path: Path) -> Checkpoint:
    """The checkpoint in this folder. Raises UserError, in one line, if it has no valid manifest."""
    file = path / MANIFEST
    data = _read_small(file)
    body = data[:-_CRC_LENGTH] + b"}"
    if len(data) <= _CRC_LENGTH or data[-_CRC_LENGTH:] != _CRC % crc32(body):
        raise UserError(f"{file}: damaged (checksum mismatch)")
    manifest = _decode(file, body, Manifest)
    if set(manifest.files) - {TRAINED, AVERAGED} != {WEIGHTS, TENSORS, STATE}:
        raise UserError(f"{file}: expected the files {WEIGHTS}, {TENSORS} and {STATE}")
    if not set(manifest.weights or ()) <= set(manifest.files):
        raise UserError(f"{file}: it names weights in a file that is not there")
    return Checkpoint(path, manifest)


def verify(checkpoint: Checkpoint) -> None:
    """Raises UserError, in one line, unless every file has the size and checksum of the
    manifest."""
    for name, facts in checkpoint.manifest.files.items():
        path = checkpoint.path / name
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != facts.bytes:
                raise UserError(f"{path}: {size} bytes, expected {facts.bytes}")
            if digest(file) != facts.sha256:
                raise UserError(f"{path}: damaged (checksum mismatch)")


def digest(file: BinaryIO) -> str:
    """The SHA-256 of the rest of an open file, in hexadecimal digits."""
    found = hashlib.sha256()
    while chunk := file.read(2**20):
        found.update(chunk)
    return found.hexdigest()


def read_state(checkpoint: Checkpoint) -> State:
    """The scalars of a checkpoint. Raises UserError if they cannot be used."""
    path = checkpoint.path / STATE
    return _decode(path, _read_small(path), State)


def sealed(manifest: Manifest) -> bytes:
    """The contents of the manifest's file, with a checksum as in the event log."""
    body = msgspec.json.encode(manifest)
    return body[:-1] + _CRC % crc32(body)


def listed(run: RunDir) -> list[Checkpoint]:
    """All checkpoints with a valid manifest, in the order in which they were written."""
    found = []
    for path in _folders(run):
        with suppress(UserError):
            found.append(read(path))
    return sorted(found, key=lambda item: (item.manifest.sequence, item.name))


def newest_valid(
    run: RunDir,
    warn: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
    *,
    finite_first: bool = False,
) -> Checkpoint | None:
    """The newest checkpoint whose files are all whole; None if there is none.

    With `finite_first`, one whose weights are not all finite only if there is no other. `warn`
    gets a line for each that is damaged. Reads every byte of what it returns.
    """
    readable = listed(run)
    for path in sorted(set(_folders(run)) - {item.path for item in readable}):
        try:
            read(path)
        except UserError as error:
            warn(f"checkpoint skipped: {error}")
    newest_first = readable[::-1]
    if finite_first:
        newest_first.sort(key=lambda item: not item.manifest.finite)
    for checkpoint in newest_first:
        try:
            verify(checkpoint)
            read_state(checkpoint)
        except UserError as error:
            warn(f"checkpoint skipped: {error}")
        else:
            return checkpoint
    return None


def named(run: RunDir, name: str) -> Checkpoint:
    """The checkpoint of this name, verified. Raises UserError if there is none."""
    path = run.checkpoints_path / name
    if path not in _folders(run):
        known = ", ".join(item.name for item in listed(run)) or "none"
        raise UserError(f"{run.id}: no checkpoint {name!r}; there are: {known}")
    checkpoint = read(path)
    verify(checkpoint)
    return checkpoint


def _folders(run: RunDir) -> list[Path]:
    try:
        return sorted(run.checkpoints_path.glob("step-*"))
    except OSError:
        return []


def _open(path: Path) -> BinaryIO:
    try:
        return open_regular(path, os.O_NOFOLLOW)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: cannot be read ({why})") from None


def _read_small(path: Path) -> bytes:
    with _open(path) as file:
        data = file.read(_MAX_JSON_BYTES + 1)
    if len(data) > _MAX_JSON_BYTES:
        raise UserError(f"{path}: longer than {_MAX_JSON_BYTES} bytes")
    return data


def _decode(path: Path, data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UserError(f"{path}: {str(error).splitlines()[0][:200]}") from None
