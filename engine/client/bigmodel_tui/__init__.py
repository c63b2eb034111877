"""Put any PyTorch loop on the dashboard.

    import bigmodel_tui

    with bigmodel_tui.open_run({"model": "gpt2", "lr": 3e-4}, steps=1000) as run:
        for step, batch in enumerate(loader, start=1):
            loss = ...
            loss.backward()
            run.clip_(model.parameters(), max_norm=1.0)
            optimizer.step()
            run.log(step, {"train/loss": loss, "lr": 3e-4})

`run.on("lr", set_lr)` lets a person change the rate, `run.should_stop` says that they want the
loop to end, and a pause waits inside of `log`.

This package needs the standard library alone, and torch only where the loop uses it: it works in
a repository that has an `engine` of its own. The run directory is written by another process.
"""

from bigmodel_tui._open import open_run
from bigmodel_tui._run import Run

__all__ = ["Run", "open_run"]
