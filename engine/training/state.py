"""The state of a run: what its steps change, and what commands may change."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from msgspec import to_builtins
from torch import Tensor, nn, optim

from engine.config import schedules
from engine.config.schedules import Plateau
from engine.runs.checkpoint import Best, State
from engine.runs.control import Arguments
from engine.training.precision import LossScaler
from engine.training.updates.clipping import Clipper
from engine.training.updates.ema import MovingAverage
from presets import ConfigError, UserError
from presets.convert import convert
from presets.schema import Clip, Schedule

Outcome = tuple[Literal["done", "stopped"], str]
"""How a run ended, and why, in one line."""


@dataclass(kw_only=True)
class Training:
    """The state of one run: all that decides how it goes on, apart from the random streams."""

    model: nn.Module
    named: list[tuple[str, nn.Parameter]]
    """The trained parameters with their names, from the input on."""
    optimizer: optim.Optimizer
    optimizer_type: str
    needs_closure: bool = False
    """Whether the optimizer computes loss and gradients itself, several times in a step."""
    steps_per_epoch: int
    steps: int
    """The planned number of steps."""
    evaluate_every: int
    """Steps between two evaluations."""
    schedule: Schedule
    clipper: Clipper
    scaler: LossScaler | None = None
    """Set if the precision is `fp16`."""
    ema: MovingAverage | None = None
    plateau: Plateau = field(default_factory=Plateau)
    step: int = 0
    """The number of steps taken, counting those whose update was left out."""
    best: Best | None = None
    applied: list[str] = field(default_factory=list)
    """The ids of the commands that were applied."""

    def __post_init__(self) -> None:
        # The lr before the schedule is kept in the group, so that every checkpoint has it.
        self.parameters = [parameter for _, parameter in self.named]
        for group in self.optimizer.param_groups:
            group.setdefault("base_lr", group["lr"])

    @property
    def names(self) -> list[str]:
        """The names of the trained parameters, from the input on."""
        return [name for name, _ in self.named]

    @property
    def lr(self) -> float:
        """The learning rate of the step that was taken last, without the scale of a group."""
        group = self.optimizer.param_groups[0]
        return float(group["lr"] / group.get("lr_scale", 1.0))

    @property
    def base_lr(self) -> float:
        """The learning rate before the schedule, without the scale of a group."""
        group = self.optimizer.param_groups[0]
        return float(group["base_lr"] / group.get("lr_scale", 1.0))

    @property
    def clip(self) -> Clip:
        """The settings of clipping that are in force."""
        return self.clipper.settings

    @property
    def is_range_test(self) -> bool:
        """Whether this is a learning-rate range test and not a run for its own sake."""
        return self.schedule.type == "range-test"

    @property
    def evaluation_due(self) -> bool:
        """Whether to evaluate after this step: at an interval, and at the end of the run."""
        due = self.step % self.evaluate_every == 0 or self.step >= self.steps
        return due and not self.is_range_test

    def begin_step(self) -> int:
        """Count the next step and give the optimizer its learning rate; returns its number."""
        self.step += 1
        if schedules.changes(self.schedule):
            factor = self._factor(self.step)
            for group in self.optimizer.param_groups:
                group["lr"] = group["base_lr"] * factor
        return self.step

    def clear_gradients(self) -> None:
        """Forget all gradients, as torch's `zero_grad` does, without its bookkeeping."""
        for parameter in self.parameters:
            parameter.grad = None

    def update(self, again: Callable[[], Tensor]) -> None:
        """Take the optimizer's step, and update the averaged weights. `again` computes gradients at
        the current weights and returns the loss, 0-dim, for optimizers that need several points."""
        if self.needs_closure:
            # Torch's own step would compute at the first point once more, but knows no other way.
            self.optimizer.step(again)  # type: ignore[arg-type]
        else:
            self.optimizer.step()
        if self.ema is not None:
            self.ema.update()

    def evaluated(self, loss: float) -> str:
        """Update the plateau with a validation loss; returns what that changed, "" if nothing."""
        drops = self.plateau.drops
        self.plateau = self.plateau.evaluated(loss, self.schedule.patience)
        if self.schedule.type != "plateau" or self.plateau.drops == drops:
            return ""
        return f"no better validation loss in {self.schedule.patience} evaluations: lr falls"

    def _factor(self, step: int) -> float:
        return schedules.factor(
            self.schedule,
            step,
            lr=self.base_lr,
            steps=self.steps,
            steps_per_epoch=self.steps_per_epoch,
            drops=self.plateau.drops,
        )

    def state(self, seconds: float) -> State:
        """The part of a checkpoint that is not tensors, `seconds` after the run's start."""
        return State(
            step=self.step,
            steps=self.steps,
            seconds=seconds,
            optimizer=self.optimizer_type,
            lr=self.base_lr,
            clip=self.clip,
            best=self.best,
            plateau=self.plateau,
            applied=list(self.applied),
        )

    def go_on_from(self, state: State) -> None:
        """Restore `state`; the learning rate is restored with the state of the optimizer."""
        self.step, self.steps = state.step, state.steps
        self.clipper.use(state.clip)
        self.best, self.plateau, self.applied = state.best, state.plateau, list(state.applied)

    def change(self, arguments: Arguments) -> str:
        """Obey a `set` command as a whole, or not at all.

        Returns what changed, such as "lr 0.001 -> 0.01". Raises UserError with the reason if it is
        to be rejected, in which case nothing has changed.
        """
        lrs = self._new_lrs(arguments)
        clip = self._new_clip(arguments)
        steps = self._new_steps(arguments)
        said = []
        if lrs is not None:
            before, factor = self.lr, self._factor(self.step + 1)
            for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
                group["lr"], group["base_lr"] = lr, lr / factor
            said.append(f"lr {before:g} -> {self.lr:g}")
        if clip is not None:
            said.append(f"clip {self.clip} -> {clip}")
            self.clipper.use(clip)
        if steps is not None:
            epochs = f" ({arguments.epochs} epochs)" if arguments.epochs is not None else ""
            said.append(f"steps {self.steps} -> {steps}{epochs}")
            self.steps = steps
        if not said:
            raise UserError("nothing to set; expected a learning rate, clipping, epochs or steps")
        return ", ".join(said)

    def _new_lrs(self, arguments: Arguments) -> list[float] | None:
        if arguments.lr is not None and arguments.lr_factor is not None:
            raise UserError("lr and lr_factor exclude each other")
        if self.is_range_test and (arguments.lr or arguments.lr_factor):
            raise UserError("lr: a range test sets it at each step")
        groups = self.optimizer.param_groups
        if arguments.lr is not None:
            lrs = [arguments.lr * group.get("lr_scale", 1.0) for group in groups]
        elif arguments.lr_factor is not None:
            lrs = [float(group["lr"]) * arguments.lr_factor for group in groups]
        else:
            return None
        if not all(math.isfinite(lr) and lr > 0 for lr in lrs):
            raise UserError(f"lr: expected a finite number > 0, got {lrs[0]:g}")
        return lrs

    def _new_clip(self, arguments: Arguments) -> Clip | None:
        mode, threshold = arguments.clip_mode, arguments.clip_threshold
        if mode is None and threshold is None:
            return None
        if threshold is not None and not math.isfinite(threshold):
            raise UserError(f"clip_threshold: expected a finite number > 0, got {threshold:g}")
        if threshold is not None and (mode or self.clip.mode) == "none":
            raise UserError("clip_threshold: there is no clipping; give clip_mode norm or value")
        try:
            # By way of plain data, since `replace` does not check the limits of a number.
            return convert(to_builtins(self.clip.changed(mode, threshold)), Clip, "clip")
        except ConfigError as error:
            raise UserError(str(error)) from None

    def _new_steps(self, arguments: Arguments) -> int | None:
        if arguments.epochs is not None and arguments.steps is not None:
            raise UserError("epochs and steps exclude each other")
        if arguments.epochs is not None:
            steps = arguments.epochs * self.steps_per_epoch
            if steps < self.step:
                done = round(self.step / self.steps_per_epoch, 2)
                raise UserError(f"epochs: {done:.15g} are done already, got {arguments.epochs}")
            return steps
        if arguments.steps is not None and arguments.steps < self.step:
            raise UserError(f"steps: {self.step} are done already, got {arguments.steps}")
        return arguments.steps
