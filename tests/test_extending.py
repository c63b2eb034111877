"""The example of ARCHITECTURE.md works as it stands there."""

import re
import shutil
import subprocess
import sys

from support.architecture import ROOT, blocks


def test_the_optimizer_of_the_architecture_page_trains(tmp_path):
    for room in ("engine", "presets", "tui"):
        shutil.copytree(ROOT / room, tmp_path / room)
    (python,) = blocks("python")
    (preset,) = blocks("yaml")
    (tmp_path / "engine/optimizers/sign_sgd.py").write_text(python, encoding="utf-8")
    (tmp_path / "presets/optimizers/sign-sgd.yaml").write_text(preset, encoding="utf-8")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from tui.cli import main; main()"
    command = ["run", "--optimizer", "sign-sgd", "--steps", "40", "--json", "--runs-dir", "runs"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", start, *command],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "XDG_CONFIG_HOME": str(tmp_path / "nothing"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = float(re.findall(r'"accuracy": ([0-9.]+)', done.stdout)[-1])
    assert accuracy > 0.5
