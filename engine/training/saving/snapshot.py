"""The state of a run in memory: taken between two steps, written to files, read and restored."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.config import registry
from engine.runs.checkpoint import STATE, TENSORS, WEIGHTS, Checkpoint, State, read_state, verify
from engine.training.state import Training
from engine.training.updates.parameter_groups import completed, fitted
from presets import UserError

Tensors = dict[str, Any]
"""`optimizer`, `clipper`, `scaler`: their state_dicts; `ema`: the averaged weights; `cpu_rng`,
`cuda_rng`: the states of torch's random streams."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of a run's state in the host's memory, which later steps do not change."""

    weights: dict[str, Tensor]
    """Parameters and buffers by name."""
    tensors: Tensors
    state: State
    finite: bool
    """Whether all weights are finite."""

    def write(self, folder: Path) -> None:
        """Write the three files of a checkpoint into `folder`. Raises OSError, also in place of the
        libraries' own errors, as of a full disk."""
        try:
            safetensors.torch.save_file(self.weights, folder / WEIGHTS)
            with (folder / TENSORS).open("wb") as file:
                torch.save(self.tensors, file)
        except (SafetensorError, RuntimeError) as error:
            raise OSError(f"cannot be written ({_line(error)})") from None
        (folder / STATE).write_bytes(msgspec.json.encode(self.state))


def take(training: Training, device: torch.device, seconds: float) -> Snapshot:
    """Copy everything that decides how the run goes on, `seconds` after its start; waits for the
    device."""
    weights = {name: _copy(tensor) for name, tensor in training.model.state_dict().items()}
    tensors: Tensors = {
        "optimizer": _copied(training.optimizer.state_dict()),
        "clipper": _copied(training.clipper.state_dict()),
        "cpu_rng": torch.get_rng_state(),
    }
    if training.scaler is not None:
        tensors["scaler"] = _copied(training.scaler.state_dict())
    if training.ema is not None:
        tensors["ema"] = _copied(training.ema.averages)
    if device.type == "cuda":
        tensors["cuda_rng"] = torch.cuda.get_rng_state(device)
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in weights.values())
    return Snapshot(weights, tensors, training.state(seconds), finite)


def load(checkpoint: Checkpoint) -> Snapshot:
    """Read a checkpoint after verifying it.

    Raises UserError, in one line, if it is damaged or holds anything but tensors and plain values.
    Nothing is unpickled freely, since a pickle can run code.
    """
    verify(checkpoint)
    state = read_state(checkpoint)
    weights = _refuse(checkpoint.path / WEIGHTS, _load_weights)
    tensors = _refuse(
        checkpoint.path / TENSORS,
        lambda path: torch.load(path, map_location="cpu", weights_only=True),
    )
    if not isinstance(tensors, dict) or not {"optimizer", "cpu_rng"} <= set(tensors):
        raise UserError(f"{checkpoint.path / TENSORS}: refused: not the tensors of a checkpoint")
    return Snapshot(weights, tensors, state, checkpoint.manifest.finite)


def restore(snapshot: Snapshot, training: Training, device: torch.device) -> None:
    """Put `training` and the random streams into the state that was taken, bit for bit.

    Raises UserError, in one line, if the checkpoint is of another model or optimizer.
    """
    if snapshot.state.optimizer != training.optimizer_type:
        given, own = snapshot.state.optimizer, training.optimizer_type
        raise UserError(f"the checkpoint is of optimizer {given}, the run has {own}")
    _restore_weights(snapshot, training)
    _restore_optimizer(snapshot.tensors["optimizer"], training)
    _restore_streams(snapshot, device)
    training.go_on_from(snapshot.state)
    _restore_rest(snapshot.tensors, training)


def inherit(snapshot: Snapshot, training: Training, device: torch.device) -> None:
    """Begin a fork with weights, step and random streams of the parent, and with the state of its
    optimizer if that is of the same type. Learning rate, clipping and planned steps are the fork's
    own.

    Raises UserError, in one line, if the weights do not fit, or no step is left to do.
    """
    _restore_weights(snapshot, training)
    if snapshot.state.optimizer == training.optimizer_type:
        _restore_optimizer(snapshot.tensors["optimizer"], training, inherited=True)
    if training.ema is not None:
        training.ema.load(snapshot.tensors.get("ema", training.parameters))
    _restore_streams(snapshot, device)
    training.step = snapshot.state.step
    if training.steps <= training.step:
        raise UserError(
            f"steps: {training.step} were done by the parent already, and the total is "
            f"{training.steps}; set a larger one"
        )


def _restore_weights(snapshot: Snapshot, training: Training) -> None:
    try:
        training.model.load_state_dict(snapshot.weights)
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


def _restore_rest(tensors: Tensors, training: Training) -> None:
    """Load clipping, scaler and averaged weights; an older checkpoint may have none of them."""
    try:
        if "clipper" in tensors:
            training.clipper.load_state_dict(tensors["clipper"])
        if training.scaler is not None and "scaler" in tensors:
            training.scaler.load_state_dict(tensors["scaler"])
        if training.ema is not None:
            training.ema.load(tensors.get("ema", training.parameters))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UserError(f"the checkpoint does not fit: {_line(error)}") from None


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
