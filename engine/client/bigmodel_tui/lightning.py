"""A Lightning trainer on the dashboard: `Trainer(callbacks=[DashboardCallback()])`."""

from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from bigmodel_tui import Run, _values, open_run
from bigmodel_tui._metric_names import of_split

_WHOLE_GRADIENTS = {"SingleDeviceStrategy", "DDPStrategy"}
"""Strategies whose processes each hold all gradients, so that their norm is the whole norm."""


class DashboardCallback(Callback):  # type: ignore[misc, unused-ignore]
    """Records what the module logs, the learning rate and clipping, and obeys commands.

    The options are those of `open_run`. Metrics named `train_...`, `val_...` and `test_...`, or
    with a slash in the place of the underscore, are those of training, validation and test. Each
    belongs to the optimizer step that it was logged in; of several batches that make a step, the
    last one counts. Every step is recorded, whatever `log_every_n_steps` is. A test after the
    training belongs to the run, which ends with the program or when the trainer fits again.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._run: Run | None = None
        self._seen: dict[str, Any] = {}
        """The newest value of each metric that was taken."""
        self._pending: dict[str, Any] = {}
        """What the batches of the next optimizer step have logged, and what that step was."""
        self._step = 0
        """Optimizer steps that were recorded."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.is_global_zero:
            self._close()
            config = {"model": type(pl_module).__name__, **pl_module.hparams}
            planned = trainer.estimated_stepping_batches
            self._run = open_run(config, **{"steps": planned, **self._options})
            self._run._one_of(getattr(trainer, "world_size", 1))
            self._seen, self._pending, self._step = {}, {}, trainer.global_step

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """The rate and the gradients that the step is taken with: both are others after it."""
        if self._run is not None and optimizer is _first(trainer.optimizers):
            self._pending["lr"] = optimizer.param_groups[0]["lr"]
            self._pending |= _clipping(trainer, pl_module, optimizer)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if self._run is None:
            return
        self._pending |= self._new(trainer, "")
        if trainer.global_step != self._step:
            self._record(trainer)
        self._run.poll()
        trainer.should_stop |= self._run.should_stop

    def on_train_epoch_start(self, trainer: Any, *_: Any) -> None:
        """Means over the epoch before are there since it ended."""
        self._take_late(trainer)

    def on_validation_start(self, trainer: Any, *_: Any) -> None:
        """What was logged after the last batch is of training."""
        if not trainer.sanity_checking:
            self._take_late(trainer)

    def on_train_end(self, trainer: Any, *_: Any) -> None:
        self._take_late(trainer)

    def on_validation_end(self, trainer: Any, *_: Any) -> None:
        if not trainer.sanity_checking:
            self._evaluated(trainer, "val")

    def on_test_end(self, trainer: Any, *_: Any) -> None:
        self._evaluated(trainer, "test")

    def on_fit_end(self, *_: Any) -> None:
        if self._run is not None:
            self._run._rest("trained; a test still belongs to it")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._close(exception)

    def _take_late(self, trainer: Any) -> None:
        """What is new after the last optimizer step belongs to it."""
        if self._run is not None and (late := self._new(trainer, "")):
            self._run.log(trainer.global_step, late)

    def _evaluated(self, trainer: Any, split: str) -> None:
        if self._run is not None:
            self._run.log(trainer.global_step, self._new(trainer, split))

    def _record(self, trainer: Any) -> None:
        pending, self._pending = self._pending, {}
        self._step = trainer.global_step
        if self._run is not None:
            self._run.log(self._step, pending)

    def _new(self, trainer: Any, split: str) -> dict[str, Any]:
        """What was logged since the last call. Lightning keeps the newest value of every metric,
        also while nobody logs it: a value is new if it is another object than before."""
        found = {}
        for name, value in trainer.logged_metrics.items():
            if not _same(value, self._seen.get(name)):
                self._seen[name] = value
                if known := _untwinned(name, trainer, split):
                    found[of_split(known, split)] = value
        return found

    def _close(self, error: BaseException | None = None) -> None:
        if self._run is not None:
            self._run.__exit__(type(error) if error else None, error, None)


def _first(optimizers: Any) -> Any:
    """The optimizer inside Lightning's wrapper, with which hooks are called."""
    first = next(iter(optimizers), None)
    return getattr(first, "optimizer", first)


def _untwinned(name: str, trainer: Any, split: str) -> str:
    """The name to record. Lightning makes `val_loss_step` and `val_loss_epoch` of one metric: steps
    have the first under the plain name, and evaluations the second alone; "" for the first."""
    plain, _, twin = name.rpartition("_")
    if twin not in ("step", "epoch") or plain not in trainer.callback_metrics:
        return name
    if split:
        return plain if twin == "epoch" else ""
    return plain if twin == "step" else name


def _same(value: Any, seen: Any) -> bool:
    """Whether they are one value: tensors are handed out as views of the same memory, which lives
    as long as we keep the view."""
    if value is seen:
        return True
    both = _values.is_tensor(value) and _values.is_tensor(seen)
    return both and bool(value.data_ptr() == seen.data_ptr() and value.numel())


def _clipping(trainer: Any, pl_module: Any, optimizer: Any) -> dict[str, Any]:
    """The norm before clipping and the limit, where Lightning itself clips all gradients."""
    limit = getattr(trainer, "gradient_clip_val", None)
    hook = getattr(type(pl_module), "configure_gradient_clipping", None)
    whole = {each.__name__ for each in type(trainer.strategy).__mro__} & _WHOLE_GRADIENTS
    if not limit or not whole or not _of_lightning(hook):
        return {}
    torch = _values.torch()
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    gradients = [each.grad for each in parameters if each.grad is not None]
    if not gradients:
        return {}
    with torch.no_grad():
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(each.float()) for each in gradients])
        )
        if str(getattr(trainer, "gradient_clip_algorithm", None) or "norm").endswith("norm"):
            return {"grad_norm": norm, "clip/threshold": float(limit)}
        largest = torch.stack([each.abs().max() for each in gradients]).max()
        return {"grad_norm": norm, "clipped": (largest > limit).float()}


def _of_lightning(hook: Any) -> bool:
    """Whether the module clips as Lightning does, and not in a way of its own."""
    return getattr(hook, "__module__", "lightning").split(".")[0] in (
        "lightning",
        "pytorch_lightning",
    )
