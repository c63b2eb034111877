"""The state of a run in memory: taken between two steps, written to files, read and restored.

What a run carries besides its configuration, and what becomes of it in a new process:

| what | after a restart |
|---|---|
| weights (trained, judged, averaged), buffers, the optimizer's state | in the checkpoint |
| clipping's earlier norms, the loss scale and the steps that it left out | in the checkpoint |
| random streams; order of the samples | in the checkpoint; follows from seed and epoch |
| steps done and planned, lr and clipping in force, ids of applied commands | in the checkpoint |
| the best value, the plateau's memory of the schedule | in the checkpoint |
| the target, once it is reached | in the checkpoint |
| seconds since the start, seconds of training | in the checkpoint |
| when the next pictures are due; whether a bad loss or gradient was told | in the checkpoint |
| layer probes every N steps: the next one, averages, the gradients of a step before | checkpoint |
| layer probes with `auto`: interval, pace and average of the noise scale | of this process |
| speed, utilisation and their current block of steps | of this process |
| minutes since the last checkpoint, and seconds that the best state waits for the disk | process |
| steps being profiled | of this process |
| commands that were not answered, the stop after an epoch, a pause | derived from the log |
| commands applied after the checkpoint | derived from the log, and applied again at their steps |
| number of restarts; checkpoints, the newest finite one among them | from the log; from the disk |
| a learning-rate range test | begins anew: it has no checkpoints |
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.config import registry
from engine.runs.checkpoint import (
    AVERAGED,
    STATE,
    TENSORS,
    TRAINED,
    WEIGHTS,
    Checkpoint,
    State,
    WeightSet,
    read_state,
    verify,
)
from engine.training.saving.judged_weights import Judge
from engine.training.state import Training
from engine.training.updates.evaluated_weights import evaluated_weights
from engine.training.updates.parameter_groups import completed, fitted
from presets import UserError

Tensors = dict[str, Any]
"""`optimizer`, `clipper`, `scaler`: their state_dicts; `cpu_rng`, `cuda_rng`: the states of torch's
random streams; `observers`: the state_dicts of those who watch the run, by name. Older ones have
the averaged weights as `ema`."""
Weights = dict[str, Tensor]
"""Parameters and buffers by name."""


class Observer(Protocol):
    """Somebody who watches a run and remembers something of it from one process to the next."""

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises KeyError, TypeError, ValueError or AttributeError if it does not fit."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of a run's state in the host's memory, which later steps do not change."""

    weights: Weights
    """Those that were judged."""
    tensors: Tensors
    state: State
    finite: bool
    """Whether all weights are finite."""
    trained: Weights | None = None
    """Those that are trained, if they are not the judged ones."""
    averaged: Weights | None = None
    """The moving average, if there is one."""

    @property
    def sets(self) -> dict[str, list[WeightSet]]:
        """Which weights are in which file; empty if there is one set only."""
        found: dict[str, list[WeightSet]] = {WEIGHTS: ["judged"]}
        if self.trained is None:
            found[WEIGHTS].append("trained")
        else:
            found[TRAINED] = ["trained"]
        if self.averaged is not None:
            found[AVERAGED] = ["averaged"]
        return found if len(found) > 1 else {}

    def write(self, folder: Path) -> None:
        """Write the files of a checkpoint into `folder`, all but its manifest. Raises OSError, also
        in place of the libraries' own errors, as of a full disk."""
        sets = {WEIGHTS: self.weights, TRAINED: self.trained, AVERAGED: self.averaged}
        try:
            for name, weights in sets.items():
                if weights is not None:
                    safetensors.torch.save_file(weights, folder / name)
            _save(self.tensors, folder / TENSORS)
        except (SafetensorError, RuntimeError) as error:
            if number := re.search(r"\(os error (\d+)\)", str(error)):
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
            raise OSError(f"cannot be written ({_line(error)})") from None
        (folder / STATE).write_bytes(msgspec.json.encode(self.state))


class _Noting:
    """A file that remembers why it could not be written: torch reports another error for it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def _save(tensors: Tensors, path: Path) -> None:
    """Raises OSError with the system's own reason."""
    with path.open("wb", buffering=0) as file:
        noting = _Noting(file)
        try:
            torch.save(tensors, noting)  # type: ignore[arg-type]  # all that it calls is there
        except RuntimeError:
            if noting.error is not None:
                raise noting.error from None
            raise


def take(
    training: Training,
    judge: Judge,
    device: torch.device,
    seconds: float,
    observers: Mapping[str, Observer],
) -> Snapshot:
    """Copy everything that decides how the run goes on, `seconds` after its start; waits for the
    device."""
    tensors: Tensors = {
        "optimizer": _copied(training.optimizer.state_dict()),
        "clipper": _copied(training.clipper.state_dict()),
        "cpu_rng": torch.get_rng_state(),
        "observers": {name: _copied(each.state_dict()) for name, each in observers.items()},
    }
    if training.scaler is not None:
        tensors["scaler"] = _copied(training.scaler.state_dict())
    if device.type == "cuda":
        tensors["cuda_rng"] = torch.cuda.get_rng_state(device)
    trained = _weights(training)
    with judge.judged() as differ:
        weights = _weights(training) if differ else trained
    averaged = None
    if judge.averages:
        with judge.averaged():
            averaged = _weights(training)
    finite = all(
        bool(torch.isfinite(tensor).all()) for tensor in [*trained.values(), *weights.values()]
    )
    return Snapshot(
        weights=weights,
        tensors=tensors,
        state=training.state(seconds),
        finite=finite,
        trained=trained if differ else None,
        averaged=averaged,
    )


def load(checkpoint: Checkpoint) -> Snapshot:
    """Read a checkpoint after verifying it.

    Raises UserError, in one line, if it is damaged or holds anything but tensors and plain values.
    Nothing is unpickled freely, since a pickle can run code.
    """
    verify(checkpoint)
    state = read_state(checkpoint)
    weights = _refuse(checkpoint.path / WEIGHTS, _load_weights)
    trained, averaged = (
        _refuse(checkpoint.path / name, _load_weights)
        if name in checkpoint.manifest.files
        else None
        for name in (TRAINED, AVERAGED)
    )
    tensors = _refuse(
        checkpoint.path / TENSORS,
        lambda path: torch.load(path, map_location="cpu", weights_only=True),
    )
    if not isinstance(tensors, dict) or not {"optimizer", "cpu_rng"} <= set(tensors):
        raise UserError(f"{checkpoint.path / TENSORS}: refused: not the tensors of a checkpoint")
    return Snapshot(weights, tensors, state, checkpoint.manifest.finite, trained, averaged)


def load_weights(checkpoint: Checkpoint) -> Weights:
    """The judged weights of a checkpoint alone, after verifying it. Raises UserError, in one line,
    if it is damaged."""
    verify(checkpoint)
    weights: Weights = _refuse(checkpoint.path / WEIGHTS, _load_weights)
    return weights


def restore(snapshot: Snapshot, training: Training, device: torch.device) -> None:
    """Put `training` and the random streams into the state that was taken, bit for bit.

    Raises UserError, in one line, if the checkpoint is of another model or optimizer.
    """
    if snapshot.state.optimizer != training.optimizer_type:
        given, own = snapshot.state.optimizer, training.optimizer_type
        raise UserError(f"the checkpoint is of optimizer {given}, the run has {own}")
    _restore_weights(snapshot.trained or snapshot.weights, training)
    _restore_optimizer(snapshot.tensors["optimizer"], training)
    _restore_streams(snapshot, device)
    training.go_on_from(snapshot.state)
    _restore_rest(snapshot, training)


def inherit(snapshot: Snapshot, training: Training, device: torch.device) -> None:
    """Begin a fork with the judged weights, the step and the random streams of the parent, and with
    the state of its optimizer if that is of the same type. Learning rate, clipping and planned
    steps are the fork's own.

    Raises UserError, in one line, if the weights do not fit, or no step is left to do.
    """
    _restore_weights(snapshot.weights, training)
    if snapshot.state.optimizer == training.optimizer_type:
        _restore_optimizer(snapshot.tensors["optimizer"], training, inherited=True)
        if snapshot.trained is not None:
            _train_towards(snapshot.weights, snapshot.trained, training)
    if training.ema is not None:
        training.ema.load(_averages(snapshot, training))
    _restore_streams(snapshot, device)
    training.step = snapshot.state.step
    if training.steps <= training.step:
        raise UserError(
            f"steps: {training.step} were done by the parent already, and the total is "
            f"{training.steps}; set a larger one"
        )


def _train_towards(judged: Weights, trained: Weights, training: Training) -> None:
    """Give the model weights to train from which its optimizer evaluates the judged ones: those of
    the parent, or, where other settings make something else of these, such that follow from the
    judged ones."""
    _restore_weights(trained, training)
    with evaluated_weights(training.optimizer):
        same = all(
            torch.allclose(parameter.cpu(), judged[name], rtol=1e-4, atol=1e-6)
            for name, parameter in training.named
        )
    if same:
        return
    _restore_weights({**trained, **{name: judged[name] for name in training.names}}, training)
    for group in training.optimizer.param_groups:
        if "train_mode" in group:
            group["train_mode"] = False  # as schedule-free optimizers have it after `eval`
    training.optimizer.train()  # type: ignore[attr-defined]


def _restore_weights(weights: Weights, training: Training) -> None:
    try:
        training.model.load_state_dict(weights)
    except RuntimeError as error:
        what = " ".join(str(error).split())
        raise UserError(f"the checkpoint is of another model: {what:.200}") from None


def _restore_optimizer(
    state: dict[str, Any], training: Training, *, inherited: bool = False
) -> None:
    """Load the state of an optimizer after checking names and shapes: torch only compares how many
    parameters there are, and a fused kernel would write past the end of a tensor that is too
    short."""
    module = registry.module("optimizer", training.optimizer_type)
    shapes_of = getattr(module, "state_shapes", lambda shape, total: ())
    parameters = [p for group in training.optimizer.param_groups for p in group["params"]]
    total = sum(parameter.numel() for parameter in parameters)
    own = training.optimizer.state_dict()
    try:
        if inherited:
            state = fitted(state, own, getattr(module, "GROUP_MEMORY", ()))
        else:
            state = completed(state, own)
        fits = all(
            _fits(list(values.values()), {(), shape, *shapes_of(shape, total)})
            for index, values in state["state"].items()
            for shape in [tuple(parameters[index].shape)]
        )
        if fits:
            training.optimizer.load_state_dict(state)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError) as error:
        raise UserError(f"the checkpoint's optimizer does not fit: {_line(error)}") from None
    if not fits:
        raise UserError("the checkpoint's optimizer does not fit: it has other shapes")


def _fits(value: Any, shapes: set[tuple[int, ...]]) -> bool:
    """Whether all tensors in nested lists have one of these shapes."""
    if isinstance(value, list | tuple):
        return all(_fits(item, shapes) for item in value)
    return not isinstance(value, Tensor) or tuple(value.shape) in shapes


def _restore_streams(snapshot: Snapshot, device: torch.device) -> None:
    try:
        torch.set_rng_state(snapshot.tensors["cpu_rng"])
        if device.type == "cuda" and "cuda_rng" in snapshot.tensors:
            torch.cuda.set_rng_state(snapshot.tensors["cuda_rng"], device)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"the checkpoint's random streams do not fit: {_line(error)}") from None


def _averages(snapshot: Snapshot, training: Training) -> list[Tensor]:
    """The averaged weights of a checkpoint, in the model's order; the trained ones without any."""
    if snapshot.averaged is not None:
        return [snapshot.averaged[name] for name in training.names]
    return list(snapshot.tensors.get("ema", training.parameters))


def _restore_rest(snapshot: Snapshot, training: Training) -> None:
    """Load clipping, scaler and averaged weights; an older checkpoint may have none of them."""
    tensors = snapshot.tensors
    try:
        if "clipper" in tensors:
            training.clipper.load_state_dict(tensors["clipper"])
        if training.scaler is not None and "scaler" in tensors:
            training.scaler.load_state_dict(tensors["scaler"])
        if training.ema is not None:
            training.ema.load(_averages(snapshot, training))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UserError(f"the checkpoint does not fit: {_line(error)}") from None


def observe_on(snapshot_of: Mapping[str, Any], observers: Mapping[str, Observer]) -> None:
    """Let observers go on from the states that a checkpoint has of them, by name. Raises UserError,
    in one line, if one does not fit."""
    try:
        for name, observer in observers.items():
            if name in snapshot_of:
                observer.load_state_dict(snapshot_of[name])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"the checkpoint does not fit: {_line(error)}") from None


def _weights(training: Training) -> Weights:
    return {name: _copy(tensor) for name, tensor in training.model.state_dict().items()}


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _copied(value: Any) -> Any:
    """A deep copy with all tensors in the host's memory."""
    if isinstance(value, Tensor):
        return _copy(value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _load_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        str(path).encode()
    except UnicodeEncodeError:  # safetensors opens no file whose name is not UTF-8
        return safetensors.torch.load(path.read_bytes())
    return safetensors.torch.load_file(path)


def _refuse(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    # Whatever a forged file makes the two libraries raise, it is one line and no traceback.
    except Exception as error:
        raise UserError(f"{path}: refused: {_line(error)}") from None


def _line(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or os.strerror(error.errno or 0)
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
