"""Put any PyTorch loop on the dashboard.

    import bigmodel_tui

    with bigmodel_tui.open_run({"model": "gpt2", "lr": 3e-4}, steps=1000) as run:
        for step, batch in enumerate(loader, start=1):
            loss = ...
            loss.backward()
            run.clip_(model.parameters(), max_norm=1.0)
            optimizer.step()
            run.log(step, {"train/loss": loss, "lr": 3e-4})

This package needs the standard library alone, and torch only where the loop uses it: it works in
a repository that has an `engine` of its own. The run directory is written by another process.
"""

from bigmodel_tui._run import Run, open_run

__all__ = ["Run", "open_run"]
