"""What holds for all tests: deterministic examples, a runs directory of their own, and the table of
figures at the end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from support import figures

# Deterministic everywhere: a failing example is in the test, not in the machine's luck or speed.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")


# Nobody's own plug-ins; a path that does not exist.
os.environ["XDG_CONFIG_HOME"] = str(Path(__file__).with_name("no-configuration"))
# Tests start hundreds of processes: none of them compiles our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.umask(0o022)  # a group's write permission, which some systems give, has runs refused


@pytest.fixture(autouse=True)
def nothing_remembered(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """No test sees what another one, or the person at the machine, left behind."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def runs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs directory, which is also the default one."""
    root = tmp_path / "runs"
    root.mkdir()
    monkeypatch.setenv("BIGMODEL_RUNS_DIR", str(root))
    return root


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says what a test marked as a `figure` measured, for the table."""
    return lambda said: request.node.user_properties.append(("measured", said))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        figures.note(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of figures, if it was asked for with `-m figure`."""
    if "figure" not in str(terminalreporter.config.option.markexpr):
        return
    outcomes = ("passed", "failed", "error", "skipped")
    reports = [report for kind in outcomes for report in terminalreporter.stats.get(kind, [])]
    if lines := figures.table(figures.rows(reports)):
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*lines, ""]))
