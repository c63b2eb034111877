"""A Hugging Face Trainer on the dashboard: `Trainer(..., callbacks=[DashboardCallback()])`."""

import math
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from bigmodel_tui import Run, _values, open_run
from bigmodel_tui._metric_names import of_split

_NAMES = {"loss": "train/loss", "learning_rate": "lr"}
_SUMMARY = "train_runtime"
"""The key that only the last entry of a training has, with totals and means over all of it."""


class DashboardCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Records what the trainer logs, evaluations as `val/...`, and obeys commands.

    The options are those of `open_run`. The trainer logs every `logging_steps` steps: of the steps
    between nothing is known, neither whether they were clipped. Evaluations after the training
    belong to the run, which ends with the program, or when the trainer trains again.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._run: Run | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        if state.is_world_process_zero:
            if self._run is not None:
                self._run.close()
            config = {"model": type(known.get("model")).__name__, **args.to_dict()}
            self._run = open_run(config, **{"steps": state.max_steps, **self._options})
            self._run._one_of(getattr(args, "world_size", 1))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **_: Any
    ) -> None:
        if self._run is None:
            return
        if _SUMMARY in logs:
            totals = [f"{key} {value:.6g}" for key, value in _totals(logs).items()]
            self._run._say("info", f"results: {', '.join(totals)}")
            return
        values = {_NAMES.get(name) or of_split(name): value for name, value in logs.items()}
        limit = _values.number(getattr(args, "max_grad_norm", None))
        if "grad_norm" in values and limit is not None and 0 < limit < math.inf:
            values["clip/threshold"] = limit  # the norm is the one before clipping
        self._run.log(state.global_step, values)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._run is not None:
            self._run.poll()
            control.should_training_stop |= self._run.should_stop

    def on_train_end(self, *_: Any, **__: Any) -> None:
        if self._run is not None:
            self._run._rest("trained; evaluations still belong to it")


def _totals(logs: Mapping[str, Any]) -> dict[str, float]:
    known = {key: _values.number(value) for key, value in logs.items()}
    return {key: value for key, value in known.items() if value is not None}
