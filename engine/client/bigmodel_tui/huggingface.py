"""A Hugging Face Trainer on the dashboard: `Trainer(..., callbacks=[DashboardCallback()])`."""

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from bigmodel_tui import Run, open_run

_NAMES = {"loss": "train/loss", "learning_rate": "lr"}


class DashboardCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """A callback that records what the trainer logs, evaluations as `val/...`, and stops on
    request.

    The options are those of `open_run`. The trainer logs every `logging_steps` steps.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._run: Run | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        if state.is_world_process_zero:
            config = {"model": type(known.get("model")).__name__, **args.to_dict()}
            self._run = open_run(config, **{"steps": state.max_steps, **self._options})

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **_: Any
    ) -> None:
        if self._run is not None:
            self._run.log(state.global_step, {_name(name): value for name, value in logs.items()})

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop |= self._run is not None and self._run.should_stop

    def on_train_end(self, *_: Any, **__: Any) -> None:
        if self._run is not None:
            self._run.close()


def _name(name: str) -> str:
    evaluated = name.removeprefix("eval_")
    return f"val/{evaluated}" if evaluated != name else _NAMES.get(name, name)
