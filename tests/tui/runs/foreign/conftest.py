"""What the tests of other programs' logs share."""

import pytest

from tui.runs.foreign import tensorboard, trainer_state


@pytest.fixture(autouse=True)
def search_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """New files are looked for at each poll."""
    monkeypatch.setattr(tensorboard, "SEARCH_SECONDS", 0.0)
    monkeypatch.setattr(trainer_state, "SEARCH_SECONDS", 0.0)
