"""Whether runs fit into memory, in words."""

import pytest

from engine.config import configure, estimate
from tui.choices import memory_verdict

GB = 10**9


@pytest.mark.parametrize("free", [None, 1, 10**6, 24 * GB, 10**15])
@pytest.mark.parametrize("batch", [2, 1000])
def test_the_verdict_comes_first_and_is_short(free: int | None, batch: int) -> None:
    config = configure.resolve(
        model="gpt2-124m", dataset="bible-en", settings={"batch_size": batch}
    )
    found = memory_verdict.largest([config], free)
    verdict = {None: "about ", True: "fits: about ", False: "does not fit: about "}[found.fits]
    assert found.words().startswith(verdict)
    assert len(found.words()) <= 76  # the line at 80 columns


def test_too_large_names_estimate_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configure.resolve(settings={"device": "cpu"})
    monkeypatch.setattr(estimate, "free_memory", lambda device: 10**6)
    line = memory_verdict.too_large([config])
    assert line.startswith("does not fit: about 6")
    assert "1 MB are free on device cpu (weights " in line
    for free in (None, 24 * GB):
        monkeypatch.setattr(estimate, "free_memory", lambda device, free=free: free)
        assert memory_verdict.too_large([config]) == ""
