"""Plug-ins: the example of ARCHITECTURE.md is installed and trains; whatever else is one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import presets
from engine.config import configure, registry
from engine.runs import run_directory, start_process
from presets import ConfigError, plugins
from presets.schema import Component
from support.architecture import blocks
from support.packages import DATASET, MODEL, OPTIMIZER, SOURCES, configured, forget, install, site
from tui import cli
from tui.choices import lr_range_test
from tui.commands import find_lr
from tui.commands.doctor import system

__all__ = ["configured", "site"]  # fixtures

HEADING = "### Without touching this repository"
POINTS = "[bigmodel_tui.models]\ntiny = tiny_model\n"


def refusal(*arguments):
    """The one line of a command that must end with status 2."""
    result = CliRunner().invoke(cli.cli, list(arguments))
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("bigmodel-tui: ")


def command(folder, *arguments):
    """`bigmodel-tui` in a process of its own, with the packages of `folder`."""
    start = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "BIGMODEL_RUNS_DIR": str(folder / "runs"),
    }
    return subprocess.run(
        [*start, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A folder with the page's package installed in `site`, and its configuration in `config`."""
    folder = tmp_path_factory.mktemp("example")
    package, config = folder / "sine-models", folder / "config/bigmodel-tui"
    package.mkdir()
    config.mkdir(parents=True)
    for language, path in (
        ("toml", package / "pyproject.toml"),
        ("python", package / "sine_models.py"),
        ("yaml", config / "config.yaml"),
    ):
        (text,) = blocks(language, HEADING)
        path.write_text(text, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir"]
    done = subprocess.run(
        [*pip, *offline, "--target", str(folder / "site"), str(package)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_package_of_the_architecture_page_trains(example):
    (shell,) = blocks("sh", HEADING)
    words = shell.splitlines()[-1].split()
    assert words[:2] == ["bigmodel-tui", "run"]
    done = command(example, *words[1:], "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["num_parameters"] == 64 * 32 + 32 + 32 * 10 + 10
    (run,) = run_directory.list_runs(example / "runs")
    config = run.config()
    assert config.model.type == "sine-models:sine"
    assert config.model.options == {"hidden": 32, "frequency": 3.0}
    shown = json.loads(command(example, "show", run.id, "--json").stdout)
    assert shown["test"]["accuracy"] > 0.8
    assert '"sine-models":"1.0"' in run.events_path.read_text()


def test_the_task_of_the_architecture_page_trains(tmp_path):
    task, data = blocks("python", "### A task")
    points = "[bigmodel_tui.tasks]\ngrades = marks\n[bigmodel_tui.datasets]\nmarks = marks_data\n"
    install(tmp_path / "site", "school", points, marks=task, marks_data=data)
    config = tmp_path / "config/bigmodel-tui/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("plugins: [school]")
    arguments = [
        "run",
        "--dataset",
        "marks",
        "--steps",
        "300",
        "--target",
        "val/places_off<=0.3",
        "--json",
    ]
    done = command(tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = run_directory.list_runs(tmp_path / "runs")
    shown = json.loads(command(tmp_path, "show", run.id, "--json").stdout)
    assert shown["test"]["places_off"] < 0.35
    assert '"task":"school:grades"' in run.events_path.read_text()


def test_the_example_is_listed_with_its_figures(example):
    done = command(example, "presets", "--json")
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    (entry,) = [entry for entry in entries if entry["name"] == "sine"]
    assert entry["description"] == "from sine-models 1.0"
    assert entry["type"] == "sine-models:sine"
    assert entry["options"] == {"hidden": 64, "frequency": 3.0}
    assert entry["num_parameters"] == 64 * 64 + 64 + 64 * 10 + 10


def test_without_plugins_nobody_looks_for_any():
    code = """
import sys, presets
from engine.config import registry
import msgspec, yaml
before = set(sys.modules)
[presets.load(kind, name) for kind in presets.KINDS for name in presets.names(kind)]
[registry.names(kind) for kind in ("model", "dataset", "optimizer")]
registry.module("model", "mlp")
print(sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "engine.models.mlp" in done.stdout
    assert "importlib.metadata" not in done.stdout


def test_only_what_is_enabled_is_imported_and_only_when_it_is_needed(site, configured):
    install(site, "Tiny_Package", POINTS, tiny_model=MODEL)
    install(site, "other", "[bigmodel_tui.models]\nother = other_model\n", other_model="1 / 0")
    configured("plugins: [tiny.package]")
    assert presets.names("models") == sorted(presets.names("models"))
    assert "tiny" in presets.names("models")
    assert "other" not in presets.names("models")
    assert presets.load("models", "tiny").description == "from tiny-package 1.2"
    assert "tiny-package:tiny" in registry.names("model")
    assert "tiny_model" not in sys.modules
    assert configure.plan(configure.resolve(model="tiny")).num_parameters == 3
    assert "tiny_model" in sys.modules
    with pytest.raises(ConfigError, match=r"'other:other' is of the plug-in 'other', which is not"):
        registry.module("model", "other:other")
    assert "other_model" not in sys.modules


def test_what_is_installed_but_not_enabled_is_pointed_at(site, configured):
    install(site, "tiny-package", POINTS, tiny_model=MODEL)
    path = configured("# nothing\n")
    line = refusal("run", "--model", "tiny")
    assert line.startswith("unknown model 'tiny': ")
    assert line.endswith(
        f"; the installed package tiny-package offers it: name that under 'plugins' in {path}"
    )


def test_data_sets_and_optimizers_have_their_defaults_in_the_configuration(site, configured):
    points = "".join(f"[bigmodel_tui.{kind}]\nmy-{kind} = own_{kind}\n" for kind in SOURCES)
    install(site, "own", points, **{f"own_{kind}": text for kind, text in SOURCES.items()})
    configured("plugins: [own]")
    config = configure.resolve(
        model="my-models", dataset="my-datasets", optimizer="my-optimizers", settings={"steps": 5}
    )
    assert config.optimizer == Component("my-optimizers", "own:my-optimizers", {"lr": 0.1})
    assert configure.plan(config).samples == {"train": 9, "val": 2, "test": 2}
    with pytest.raises(ConfigError, match=r"^optimizer\.lr: expected a number, got 'fast'$"):
        configure.resolve(optimizer="my-optimizers", settings={"optimizer.lr": "fast"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plugin: [a]", "plugin: unknown key; allowed: "),
        ("plugins: a", "plugins: expected a list, got 'a'"),
        ("plugins: [3]", "plugins[0]: expected text, got 3"),
        ("plugins: [../a]", "plugins[0]: expected text of letters, digits, - and _, got '../a'"),
        ("- a", "expected a mapping, got ['a']"),
        ("plugins: [a", "line 1: "),
        ("plugins: !!python/name:os.system []", "line 1: tags ("),
        (b"\xff\xfe\xff", "not valid YAML text ("),
    ],
)
def test_a_wrong_configuration_is_one_line_and_built_ins_stay(
    site, configured, runs_root, text, message
):
    install(site, "tiny-package", POINTS, tiny_model=MODEL)
    path = configured(text)
    for words in (["run"], ["presets"], ["find-lr"]):
        assert refusal(*words).startswith(f"{path}: {message}")
    assert list(runs_root.iterdir()) == []
    assert "mlp" in presets.names("models")
    assert configure.resolve().model.type == "mlp"
    assert CliRunner().invoke(cli.cli, ["ls"]).exit_code == 0


UNUSABLE = {
    "absent": ("[absent]", "{path}: plugins: 'absent' is not installed; installed packages that "),
    "offers nothing": ("[numpy]", "{path}: plugins: 'numpy' offers no models, datasets, optimize"),
    "rival": ("[rival]", "plug-in rival: model 'mlp': refused, the name is also that of the buil"),
    "bad name": ("[bad-name]", "plug-in bad-name: model 't.y': expected a name of up to 64 lette"),
}
"""Plug-ins that cannot be used in this environment: what enables them, and the line about them."""


@pytest.fixture
def unstarted(runs_root, monkeypatch):
    """The runs directory, for commands that start no process."""
    monkeypatch.setattr(start_process, "start", lambda runs, resume=False: None)
    monkeypatch.setattr(start_process, "start_process", lambda *arguments: None)
    monkeypatch.setattr(find_lr, "_poll", lambda search: False)
    monkeypatch.setattr(find_lr, "_print", lambda search: None)
    monkeypatch.setattr(lr_range_test.Search, "__init__", lambda *arguments: None)
    monkeypatch.setattr(lr_range_test.Search, "close", lambda search: None)
    monkeypatch.setattr(lr_range_test, "as_json", lambda search: {"lr": 0.1})
    monkeypatch.setattr(system, "_ASK_TORCH", "raise SystemExit(1)")  # quick
    return runs_root


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize(
    "words",
    [
        ["run", "--steps", "3", "--detach"],
        ["race", "--optimizers", "adam,sgd", "--budget", "3", "--seeds", "1", "--detach"],
        ["find-lr", "--steps", "40"],
        ["presets"],
        ["presets", "--json"],
        ["doctor", "--json"],
    ],
    ids=" ".join,
)
def test_a_plugin_that_cannot_be_used_is_one_line_and_all_else_works(
    site, configured, unstarted, case, words
):
    install(site, "tiny-package", POINTS, tiny_model=MODEL)
    install(site, "rival", "[bigmodel_tui.models]\nmlp = own\n")
    install(site, "bad-name", "[bigmodel_tui.models]\nt.y = own\n")
    enabled, line = UNUSABLE[case]
    path = configured(f"plugins: {enabled}")
    expected = line.format(path=path)
    result = CliRunner().invoke(cli.cli, words)
    if words[0] == "doctor":
        found = {each["name"]: each for each in map(json.loads, result.stdout.splitlines())}
        assert found["presets"]["level"] == "problem"
        assert found["presets"]["advice"].startswith(expected)
        return
    assert result.exit_code == 0, result.output
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"bigmodel-tui: {expected}")
    if words[0] in ("run", "race"):
        assert list(unstarted.iterdir()) != []


def test_a_file_that_cannot_be_read_is_said_and_none_is_nothing(configured, monkeypatch):
    path = configured("")
    assert plugins.problems() == []
    path.unlink()
    path.mkdir()
    forget()
    assert plugins.problems() == [f"{path}: cannot be read (Is a directory)"]
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert plugins.config_path() == Path("/home/somebody/.config/bigmodel-tui/config.yaml")


@pytest.mark.parametrize("name", ["cnn-small", "CNN_small"])
def test_the_name_of_a_built_in_is_refused(site, configured, name):
    install(site, "rival", f"[bigmodel_tui.models]\n{name} = rival\nfine = rival\n", rival=MODEL)
    configured("plugins: [rival]")
    line = f"plug-in rival: model {name!r}: refused, the name is also that of the built-in"
    assert plugins.problems() == [f"{line} cnn-small"]
    assert presets.load("models", "cnn-small").type == "cnn_small"
    assert presets.names("models").count("cnn-small") == 1
    assert "fine" in presets.names("models")


def test_one_name_of_two_plugins_is_nobodys(site, configured):
    install(site, "first", POINTS, tiny_model=MODEL)
    install(site, "second", POINTS)
    configured("plugins: [first, second, First]")
    assert plugins.problems() == [
        "plug-in first: model 'tiny': refused, the name is also that of plug-in second",
        "plug-in second: model 'tiny': refused, the name is also that of plug-in first",
    ]
    assert "tiny" not in presets.names("models")
    with pytest.raises(
        ConfigError, match=r"^model\.type: 'first:tiny' is not at hand: plug-in first"
    ):
        registry.module("model", "first:tiny")


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("t.y = tiny_model", "'t.y': expected a name of up to 64 letters, digits, - and _"),
        ("tiny = tiny_model:Model", "'tiny': expected the name of a module, got 'tiny_model:"),
        ("tiny = ..models", "'tiny': expected the name of a module, got '..models'"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_one_line(site, configured, point, message):
    install(site, "tiny-package", f"[bigmodel_tui.models]\n{point}\n")
    configured("plugins: [tiny-package]")
    (line,) = plugins.problems()
    assert line.startswith(f"plug-in tiny-package: model {message}")


COST = "def cost(config, data):"
BROKEN = {
    "syntax": ("models", "(", "cannot be loaded: SyntaxError: "),
    "absent": ("models", "import absent_module", "cannot be loaded: ModuleNotFoundError: No mod"),
    "exit": ("models", "raise SystemExit('bye')", "cannot be loaded: SystemExit: bye"),
    "user error": (
        "models",
        "from presets import UserError; raise UserError('no')",
        "cannot be loaded: no",
    ),
    "empty": ("models", "", "its module own has no Config and no cost and no build"),
    "no info": ("datasets", DATASET.replace("def info", "def data"), "its module own has no info"),
    "no struct": ("models", MODEL + "Config = dict", "its Config is no subclass of presets.schema"),
    "required": (
        "models",
        MODEL.replace("int = 3", "int"),
        "has a Config whose defaults cannot be used: TypeError: Missing required argument 'width'",
    ),
    "default": ("models", MODEL.replace("= 3", "= 'x'"), "has a Config whose defaults cannot be u"),
    "infinite": ("models", MODEL.replace("int = 3", "float = float('inf')"), "has a Config whose"),
    "no lr": ("optimizers", OPTIMIZER.replace("lr", "rate"), "expected a number as default of its"),
    "tasks": ("models", MODEL + "TASKS = 'language'", "TASKS: expected a tuple of classification"),
    "state": ("optimizers", OPTIMIZER + "STATE_TENSORS = '2'", "STATE_TENSORS: expected a number"),
    "raises": (
        "models",
        MODEL.replace(COST, f"{COST}\n    1 / 0"),
        "cost failed: ZeroDivisionError: d",
    ),
    "exits": (
        "models",
        MODEL.replace(COST, f"{COST}\n    raise SystemExit"),
        "cost failed: SystemExit",
    ),
    "none": (
        "models",
        MODEL.replace(COST, f"{COST}\n    return"),
        "cost: expected a Cost, got None",
    ),
    "text": ("models", MODEL.replace("adds=1", "adds='1'"), "cost returned what cannot be used: "),
    "less": ("models", MODEL.replace("adds=1", "adds=-1"), "cost returned what cannot be used: "),
    "split": ("datasets", DATASET.replace('"val": 2, ', ""), "info returned what cannot be used: "),
    "shape": ("datasets", DATASET.replace("(4,)", "4"), "info returned what cannot be used: "),
    "task": (
        "datasets",
        DATASET.replace("num_outputs=2", "num_outputs=2, task='vision'"),
        "info returned what cannot be used: task: expected one of classification, regression, ",
    ),
    "check": ("models", MODEL + "def check(a, b): {}[3]", "check failed: KeyError: 3"),
    "arguments": ("models", MODEL.replace("cost(config, data)", "cost()"), "cost failed: TypeErr"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_module_is_one_line_that_names_it(site, configured, runs_root, case):
    kind, source, message = BROKEN[case]
    install(site, "broken", f"[bigmodel_tui.{kind}]\nown = own\n", own=source)
    configured("plugins: [broken]")
    singular = kind.removesuffix("s")
    line = refusal("run", f"--{singular}", "own")
    assert line.removeprefix(f"plug-in broken: {singular} 'own'").lstrip(": ").startswith(message)
    assert line.startswith("plug-in broken: ")
    assert list(runs_root.iterdir()) == []
    listed = CliRunner().invoke(cli.cli, ["presets", "--json"])
    assert listed.exit_code == 0, listed.stderr  # the others can be picked all the same
    entries = {json.loads(each)["name"]: json.loads(each) for each in listed.stdout.splitlines()}
    assert entries["own"].get("problem", line) == line
    assert "problem" not in entries["mlp"]


def test_an_import_that_failed_is_not_tried_at_each_key(site, configured):
    count = f"from pathlib import Path; Path({str(site / 'tries')!r}).open('a').write('x'); 1 / 0"
    install(site, "tiny-package", POINTS, tiny_model=count)
    configured("plugins: [tiny-package]")
    for _ in range(3):
        with pytest.raises(ConfigError, match="cannot be loaded: ZeroDivisionError"):
            configure.resolve(model="tiny")
    assert (site / "tries").read_text() == "x"


def test_the_refusal_of_a_check_is_the_plugins_own_line(site, configured):
    check = "\ndef check(config, run):\n    raise ValueError('model.width: too\\nwide')\n"
    install(site, "tiny-package", POINTS, tiny_model=MODEL + check)
    configured("plugins: [tiny-package]")
    assert refusal("run", "--model", "tiny") == "model.width: too wide"


def test_a_config_that_raises_is_one_line(site, configured):
    source = MODEL.replace("= 3", "= 3\n    def __post_init__(self):\n        {3: 3}[self.width]")
    install(site, "tiny-package", POINTS, tiny_model=source)
    configured("plugins: [tiny-package]")
    assert configure.resolve(model="tiny").model.options == {"width": 3}
    line = refusal("run", "--model", "tiny", "--set", "model.width=4")
    assert line == "plug-in tiny-package: model.Config failed: KeyError: 4"


def test_torch_belongs_into_build(tmp_path):
    install(tmp_path / "site", "heavy", POINTS, tiny_model="import torch\n" + MODEL)
    path = tmp_path / "config/bigmodel-tui/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("plugins: [heavy]")
    done = command(tmp_path, "run", "--model", "tiny")
    assert done.returncode == 2
    assert done.stderr == (
        "bigmodel-tui: plug-in heavy: model 'tiny': imports torch when it is loaded; import it "
        "inside build\n"
    )


def test_a_run_says_that_its_plugin_is_not_enabled_any_more(
    site, configured, runs_root, monkeypatch
):
    install(site, "tiny-package", POINTS, tiny_model=MODEL)
    configured("plugins: [tiny-package]")
    run = run_directory.create(runs_root, configure.resolve(model="tiny"))
    path = configured("plugins: []")
    rest = f"name it under 'plugins' in {path}"
    message = "model.type: 'tiny-package:tiny' is of the plug-in 'tiny-package', which is not enab"
    line = refusal("run", "--resume", run.id)
    assert line == f"{message}led: {rest}"
    (site / "tiny_package-1.2.dist-info/entry_points.txt").unlink()
    forget()
    assert refusal("run", "--resume", run.id) == f"{message}led: install it and {rest}"
    path = configured("plugins: 3")
    reason = f"is not at hand: {path}: plugins: expected a list, got 3"
    assert refusal("run", "--resume", run.id) == f"model.type: 'tiny-package:tiny' {reason}"
    configured("plugins: []")
    monkeypatch.setenv("PYTHONPATH", str(site))
    engine = [sys.executable, "-P", "-m", "engine", str(run.path)]
    assert subprocess.run(engine, capture_output=True, text=True).returncode == 1
    assert f"failed: {message}" in run.events_path.read_text()


def test_a_plugin_that_builds_nothing_fails_its_run_in_one_line(tmp_path):
    install(tmp_path / "site", "tiny-package", POINTS, tiny_model=MODEL)
    path = tmp_path / "config/bigmodel-tui/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("plugins: [tiny-package]")
    done = command(tmp_path, "run", "--model", "tiny")
    assert done.returncode == 1
    said = "plug-in tiny-package: model 'tiny' build failed: RuntimeError: not built here; see "
    assert done.stderr.startswith(f"bigmodel-tui: run failed: {said}")
    (run,) = run_directory.list_runs(tmp_path / "runs")
    assert "tiny_model.py" in run.engine_log_path.read_text()  # the traceback
