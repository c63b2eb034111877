"""A run while it trains: what its steps change, and what commands may change about it."""

import math
from dataclasses import dataclass, field

from torch import nn, optim

from engine.checkpoint import Best, State
from engine.control import Arguments
from presets import UserError
from presets.schema import Clip


@dataclass(kw_only=True)
class Training:
    """Everything that decides how a run goes on, apart from the random streams."""

    model: nn.Module
    parameters: list[nn.Parameter]
    optimizer: optim.Optimizer
    optimizer_type: str
    steps_per_epoch: int
    steps: int
    """The planned total."""
    clip: Clip
    step: int = 0
    """Steps that were done, counting those whose update was left out."""
    best: Best | None = None
    applied: list[str] = field(default_factory=list)
    """The ids of the commands that were applied."""

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def evaluation_due(self) -> bool:
        """At the end of an epoch, and at the end of the run."""
        return self.step % self.steps_per_epoch == 0 or self.step >= self.steps

    def state(self, seconds: float) -> State:
        """What a checkpoint says of it besides tensors."""
        return State(
            step=self.step,
            steps=self.steps,
            seconds=seconds,
            optimizer=self.optimizer_type,
            lr=self.lr,
            clip=self.clip,
            best=self.best,
            applied=list(self.applied),
        )

    def go_on_from(self, state: State) -> None:
        """Take over what `state` said; the learning rate comes with the optimizer's tensors."""
        self.step, self.steps, self.clip = state.step, state.steps, state.clip
        self.best, self.applied = state.best, list(state.applied)

    def change(self, arguments: Arguments) -> str:
        """Obey a `set` command as a whole, or not at all.

        Returns what changed, such as "lr 0.001 -> 0.01". Raises UserError with the reason to
        reject it.
        """
        lrs = self._new_lrs(arguments)
        clip = self._new_clip(arguments)
        steps = self._new_steps(arguments)
        said = []
        if lrs is not None:
            said.append(f"lr {self.lr:g} -> {lrs[0]:g}")
            for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
                group["lr"] = lr
        if clip is not None:
            said.append(f"clip {_say_clip(self.clip)} -> {_say_clip(clip)}")
            self.clip = clip
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
        groups = self.optimizer.param_groups
        if arguments.lr is not None:
            lrs = [arguments.lr] * len(groups)
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
        return Clip(mode=mode or self.clip.mode, threshold=threshold or self.clip.threshold)

    def _new_steps(self, arguments: Arguments) -> int | None:
        if arguments.epochs is not None and arguments.steps is not None:
            raise UserError("epochs and steps exclude each other")
        if arguments.epochs is not None:
            steps = arguments.epochs * self.steps_per_epoch
            if steps < self.step:
                done = self.step / self.steps_per_epoch
                raise UserError(f"epochs: {done:.3g} are done already, got {arguments.epochs}")
            return steps
        if arguments.steps is not None and arguments.steps < self.step:
            raise UserError(f"steps: {self.step} are done already, got {arguments.steps}")
        return arguments.steps


def _say_clip(clip: Clip) -> str:
    return clip.mode if clip.mode == "none" else f"{clip.mode} {clip.threshold:g}"
