"""An error of our own in the app: the terminal is restored, and there is one line."""

import os
import sys

import pytest

from support.terminal import Terminal

FAULTS = {
    "handler": "LaunchScreen.action_reset = fail",
    "timer": "BigModelApp._reap = fail",
    "worker": "LaunchScreen._count_active = work(thread=True)(fail)",
    "message": "LaunchScreen.on_settings_grid_changed = fail",
}
KEYS = {"handler": "\x12", "message": "\t7"}
"""What brings them about; the others come by themselves."""


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_is_one_line_and_kept_in_a_file(tmp_path, fault):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'BREAK' in __import__('os').environ:\n"
        "    from textual import work\n"
        "    from tui.app import BigModelApp\n"
        "    from tui.screens.launch.screen import LaunchScreen\n"
        "    def fail(*arguments):\n"
        "        raise ZeroDivisionError('a [bold]bug[/]\\nin two lines')\n"
        f"    {FAULTS[fault]}\n"
    )
    state = tmp_path / "state"
    environment = {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.pathsep.join(sys.path[1:])}",
        "BREAK": "1",
        "XDG_STATE_HOME": str(state),
    }
    with Terminal(cwd=tmp_path, environment=environment) as terminal:
        if keys := KEYS.get(fault):
            terminal.wait_for("Optimizer")
            terminal.send(keys)
        assert terminal.finish() == 1
        said = " ".join(terminal.after_leaving().split())
        assert "Traceback" not in said
        assert "the app crashed (ZeroDivisionError: a [bold]bug[/] in" in said
        assert terminal.attributes_now() == terminal.attributes
        assert terminal.modes_left_on() == {"7", "25"}  # lines wrap, the cursor is seen
    (kept,) = state.rglob("crash-*.txt")
    assert "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
