"""A Lightning trainer on the dashboard: `Trainer(callbacks=[DashboardCallback()])`."""

import re
from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from bigmodel_tui import Run, open_run


class DashboardCallback(Callback):  # type: ignore[misc, unused-ignore]
    """A callback that records what the module logs, and the learning rate, and stops on request.

    The options are those of `open_run`. Metrics named `train_...` and `val_...`, or with a slash in
    the place of the underscore, are those of training and validation.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._run: Run | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.is_global_zero:
            config = {"model": type(pl_module).__name__, **pl_module.hparams}
            steps = {"steps": trainer.estimated_stepping_batches, **self._options}
            self._run = open_run(config, **steps)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if self._run is not None:
            rates = (
                {"lr": trainer.optimizers[0].param_groups[0]["lr"]} if trainer.optimizers else {}
            )
            self._run.log(trainer.global_step, {**_logged(trainer, validation=False), **rates})
            trainer.should_stop |= self._run.should_stop

    def on_validation_epoch_end(self, trainer: Any, *_: Any) -> None:
        if self._run is not None and not trainer.sanity_checking:
            self._run.log(trainer.global_step, _logged(trainer, validation=True))

    def on_fit_end(self, *_: Any) -> None:
        self._end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._end(exception)

    def _end(self, error: BaseException | None = None) -> None:
        if self._run is not None:
            self._run.__exit__(type(error) if error else None, error, None)


def _logged(trainer: Any, *, validation: bool) -> dict[str, Any]:
    """The metrics that are new: Lightning keeps the last validation's beside those of each step."""
    logged = {
        re.sub("^(train|val)_", r"\1/", name): value
        for name, value in trainer.logged_metrics.items()
    }
    return {n: value for n, value in logged.items() if n.startswith("val/") == validation}
