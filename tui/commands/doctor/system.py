"""Findings about the machine: torch and its devices, optional packages, our folders."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

import presets
from engine.runs import safe_file_access
from presets import UserError, plugins, userpresets
from presets.userconfig import config_folder, config_path, read_config
from tui.commands import logout
from tui.commands.doctor.finding import Finding, judge
from tui.commands.errors import PROGRAM
from tui.text import clean, counted, file_size

TORCH_SECONDS = 120.0
"""How long importing torch may take; a network file system can be slow."""
LEAST_FREE_BYTES = 10**9
_INSTALL_TORCH = "python -m pip install torch, into the environment of this program"
# In a process of its own: importing torch takes seconds, and a broken one may crash.
_ASK_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__,
    "built_for": torch.version.cuda or torch.version.hip or "",
    "threads": torch.get_num_threads(),
    "devices": [
        f"{torch.cuda.get_device_name(i)}, {torch.cuda.get_device_properties(i).total_memory}"
        for i in range(torch.cuda.device_count() if cuda else 0)
    ],
}))
"""
_NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "fuse.", "9p")


def findings(root: Path) -> Iterator[Finding]:
    """The findings: software, then devices, then folders; `root` is the runs directory."""
    yield _python()
    driver = _driver()
    yield from _torch(driver)
    yield from driver
    yield from _extras()
    yield _configuration()
    yield _presets()
    yield _runs_folder(root)
    for name, path in (
        ("config", config_folder()),
        ("cache", user_cache_path(PROGRAM, appauthor=False)),
        ("state", user_state_path(PROGRAM, appauthor=False)),
    ):
        yield judge(name, str(path), _unwritable(path))
    warning = logout.warning()
    yield judge("logout", "ends the runs too" if warning else "runs outlive it", warning)


def _python() -> Finding:
    versions = [f"{name} {_version(name)}" for name in (PROGRAM, "textual")]
    return judge("python", f"{platform.python_version()} in {sys.prefix}, {', '.join(versions)}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _torch(driver: list[Finding]) -> Iterator[Finding]:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK_TORCH],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TORCH_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        facts = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        slow = f"no answer within {TORCH_SECONDS:.0f} s"
        yield judge("torch", slow, "see whether its disk, or a GPU, hangs")
        return
    except (OSError, ValueError, IndexError) as error:
        yield judge("torch", clean(f"cannot be asked: {error}", 200), _INSTALL_TORCH)
        return
    if facts is None:
        said = done.stderr.strip().splitlines()
        missing = "No module named 'torch'" in done.stderr
        found = "not installed" if missing else clean(said[-1] if said else "crashed", 200)
        yield judge("torch", found, _INSTALL_TORCH if missing else "install torch again")
        return
    yield judge("torch", f"{facts['version']}, {facts['threads']} threads")
    devices = [_device(text) for text in facts["devices"]]
    problem = ""
    if not devices and driver and driver[0].level == "ok":
        built = facts["built_for"]
        problem = (
            f"there is a GPU, but torch for CUDA {built} does not find it: update the driver"
            if built
            else "there is a GPU, but this torch is for the CPU only: see pytorch.org for another"
        )
    yield judge("devices", "; ".join(["cpu", *devices]), problem)


def _device(text: str) -> str:
    name, _, size = text.rpartition(", ")
    return f"{name}, {file_size(int(size))}"


def _driver() -> list[Finding]:
    """A finding for each NVIDIA GPU and its driver; none without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    fields = "name,driver_version,memory.used,memory.total"
    try:
        done = subprocess.run(
            [program, f"--query-gpu={fields}", "--format=csv,noheader"],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return [judge("driver", "nvidia-smi does not answer", "a GPU hangs; dmesg tells more")]
    lines = [clean(line, 200) for line in done.stdout.strip().splitlines()]
    if done.returncode != 0 or not lines:
        said = lines[-1] if lines else f"status {done.returncode}"
        return [judge("driver", f"nvidia-smi: {said}", "load or update the NVIDIA driver")]
    return [judge("driver", line) for line in lines]


def _extras() -> Iterator[Finding]:
    """A finding for each extra: whether its packages are installed, by our own metadata."""
    try:
        required = metadata.distribution(PROGRAM).requires or []
    except metadata.PackageNotFoundError:
        return
    packages: dict[str, list[str]] = {}
    for line in required:
        match = re.match(r"([A-Za-z0-9._-]+).*\bextra == ['\"]([\w-]+)['\"]", line)
        if match and match[2] not in ("test", "check"):
            packages.setdefault(match[2], []).append(match[1])
    for extra, names in sorted(packages.items()):
        found = [f"{name} {_version(name) or 'not installed'}" for name in names]
        missing = not all(map(_version, names))
        advice = f"if wanted: pip install '{PROGRAM}[{extra}]'" if missing else ""
        yield judge(f"extra {extra}", ", ".join(found), note=advice)


def _configuration() -> Finding:
    try:
        read_config()
    except UserError as error:
        return judge("config.yaml", "cannot be used", str(error))
    present = config_path().exists()
    return judge("config.yaml", str(config_path()) if present else "none, which is fine")


def _presets() -> Finding:
    """A finding about the user's own presets and plug-ins, whose problems `presets` tells."""
    try:
        plugins.check()
    except UserError:  # the line above says so
        return judge("presets", "built-in ones only")
    problems = presets.problems()
    enabled = len(plugins.scan().enabled)
    own = sum(len(userpresets.names(kind)) for kind in presets.KINDS)
    found = f"{counted(enabled, 'plug-in')} enabled, {counted(own, 'preset')} of your own"
    return judge("presets", found, "; ".join(problems))


def _runs_folder(root: Path) -> Finding:
    path = root.absolute()
    try:
        safe_file_access.check_root(path)
    except UserError as error:
        return judge("runs", str(path), str(error))
    if problem := _unwritable(path):
        return judge("runs", str(path), problem)
    existing = _existing(path)
    free, kind = shutil.disk_usage(existing).free, _file_system(existing)
    found = f"{path}, {file_size(free)} free on {kind or 'an unknown file system'}"
    notes = []
    if free < LEAST_FREE_BYTES:
        notes.append("checkpoints need room: --runs-dir or BIGMODEL_RUNS_DIR choose another disk")
    if kind.startswith(_NETWORK):
        notes.append("a network file system: a local disk is faster for logs and checkpoints")
    return judge("runs", found, note="; ".join(notes))


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _unwritable(path: Path) -> str:
    """Why we cannot write there; "" if we can."""
    there = _existing(path)
    if os.access(there, os.W_OK | os.X_OK) and there.is_dir():
        return ""
    owner = safe_file_access.owner(there.stat().st_uid)
    return f"{there} cannot be written, it belongs to {owner}"


def _file_system(path: Path) -> str:
    """The type of the file system that a folder is on; "" if unknown."""
    import psutil

    resolved = path.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[place] for place in (resolved, *resolved.parents) if place in mounts), "")
