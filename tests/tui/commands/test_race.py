"""Races from the command line, and their reports, on races that are written down."""

import csv
import json
import math
import re

import numpy as np
import pytest
from click.testing import CliRunner

from engine.race import directory, plan, standings
from engine.race.results import RaceReader
from engine.runs import start_process
from presets import UserError
from support.racing import tiny, write_race, write_run
from tui import cli
from tui.choices import race_choice
from tui.races import report as race_report
from tui.races import standings_table


def invoke(*arguments):
    return CliRunner().invoke(cli.cli, list(arguments))


def refusal(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def started(monkeypatch):
    """What would have been started."""
    found = []
    monkeypatch.setattr(
        start_process, "start_process", lambda module, places: found.append((module, places[0]))
    )
    return found


class TestSetUp:
    def test_every_listed_optimizer_is_a_lane(self, runs_root, started):
        result = invoke("race", "--optimizers", "adam,sgd,adam", "--budget", "60", "--detach")
        (race,) = directory.list_races(runs_root)
        assert result.stdout == f"{race.id}\n"
        spec = race.spec()
        assert [lane.label for lane in spec.lanes] == ["adam", "sgd", "adam #2"]
        assert (spec.budget, spec.seeds, spec.tier) == (60, 3, "quick")
        assert started == [("engine.race", race.process)]

    def test_anything_can_be_raced(self, runs_root, started):
        invoke(
            "race", "--detach", "--optimizers", "sgd,adam", "--vary", "clip.mode=none,norm",
            "--vary", "optimizer.lr=1e-3,1e-2", "--schedule", "cosine", "--target",
            "val/loss=0.2", "--tier", "fair", "--trials", "4", "--seeds", "2",
        )  # fmt: skip
        (race,) = directory.list_races(runs_root)
        spec = race.spec()
        assert len(spec.lanes) == 8
        assert spec.lanes[1].label == "sgd mode=none lr=1e-2"
        config = spec.lanes[7].run_config()
        assert (config.clip.mode, config.optimizer.options["lr"]) == ("norm", 0.01)
        assert config.schedule.type == "cosine"
        assert spec.target == "val/loss <= 0.2"
        assert spec.num_runs == 8 * 6

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("--optimizers adm", "unknown optimizer 'adm': did you mean adam"),
            ("--optimizers adam,gd", "batch_size differs between adam (32) and gd (full)"),
            ("--optimizers adam,sgd --vary lr", "vary: expected KEY=V,V such as"),
            ("--optimizers adam,sgd --vary optimizer.lr=fast", "optimizer.lr: expected a number"),
            ("--optimizers adam,sgd --seeds 0", "race.seeds: expected"),
            ("--optimizers adam,sgd --target soon", "target: expected text such as"),
            ("--optimizers adam,sgd --target val/speed=1", "target: expected one of val/loss"),
            (
                "--optimizers adam,sgd --reference x",
                "reference: expected one of adam, sgd, got 'x'",
            ),
            ("--optimizers adam", "a race needs two lanes or more"),
            ("--resume nothing", "race 'nothing' does not exist"),
        ],
    )
    def test_a_mistake_is_one_line_and_leaves_nothing(self, runs_root, started, arguments, said):
        assert said in refusal("race", *arguments.split())
        assert directory.list_races(runs_root) == []
        assert started == []

    def test_a_race_gets_more_seeds_and_lanes_but_keeps_its_protocol(self, race, started):
        invoke("race", "--resume", race.id, "--seeds", "5", "--detach")
        assert race.spec().seeds == 5
        assert "5 already" in refusal("race", "--resume", race.id, "--seeds", "2")
        assert "keeps its protocol" in refusal("race", "--resume", race.id, "--tier", "fair")
        assert len(started) == 1

    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("val/accuracy=0.97", "val/accuracy >= 0.97"),
            ("val/loss=0.1", "val/loss <= 0.1"),
            ("val/bleu=8", "val/bleu >= 8"),
            ("val/win_rate=0.9", "val/win_rate >= 0.9"),
            ("val/wer=0.1", "val/wer <= 0.1"),
            ("val/loss >= 0.1", "val/loss >= 0.1"),
            (None, None),
        ],
    )
    def test_targets(self, given, meant):
        assert race_choice.target(given) == meant


def test_races_are_listed(race):
    result = invoke("races")
    assert race.id in result.stdout
    assert "adam, sgd" in result.stdout
    (line,) = invoke("races", "--json").stdout.splitlines()
    assert json.loads(line)["status"] == "done"


@pytest.mark.parametrize("command", ["show", "checkpoint", "export --format csv"])
def test_what_is_for_runs_says_that_a_race_is_none(race, command):
    assert "a race, not a run" in refusal(*command.split(), race.id)


def test_a_damaged_race_is_a_line_and_hides_no_other(race, runs_root):
    other = directory.create(runs_root, tiny())
    other.spec_path.write_text("{")
    result = invoke("races")
    assert race.id in result.stdout
    assert "race.json" in result.stderr


class TestReport:
    @pytest.fixture
    def written(self, race):
        result = invoke("race-report", race.id)
        assert result.exit_code == 0, result.output
        folder = race.path / "report"
        assert {str(path) for path in folder.iterdir()} == set(result.stdout.split())
        return folder

    def test_the_table_equals_numpy_from_the_csv(self, race, written):
        with (written / "runs.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 6
        results = RaceReader(race).read(race.spec())
        for row in standings.standings(results).rows:
            of_lane = [each for each in rows if each["lane"] == row.label]
            steps = [float(each["steps_to_target"]) for each in of_lane]
            assert row.steps.median == np.median(steps)
            assert row.steps.reached == np.isfinite(steps).sum()
            best = [float(each["best"]) for each in of_lane]
            quartiles = np.quantile(best, (0.75, 0.25))  # costs are turned round
            assert [row.value(row.best.low), row.value(row.best.high)] == pytest.approx(quartiles)
            seconds = [float(each["seconds_to_target"]) for each in of_lane]
            assert row.seconds.median == pytest.approx(np.median(seconds))

    def test_trials_have_their_steps_to_the_target(self, runs_root):
        made = tiny(seeds=1, tier="fair", trials=2, target="val/accuracy >= 0.9")
        tuned = directory.create(runs_root, made)
        for planned in plan.trials(made):
            write_run(tuned, made, planned, [0.5, 0.92 if planned.lane else 0.6])
        assert invoke("race-report", tuned.id).exit_code == 0
        with (tuned.path / "report" / "runs.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["stage"] == "trial"]
        assert [row["steps_to_target"] for row in rows if row["lane"] == "adam"] == ["inf"] * 2
        assert [float(row["steps_to_target"]) for row in rows if row["lane"] == "sgd"] == [20.0] * 2

    def test_every_evaluation_is_in_the_csv(self, written):
        with (written / "evaluations.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 18
        assert {float(row["val/accuracy"]) for row in rows} >= {0.92, 0.3}

    def test_markdown_has_table_protocol_and_hashes(self, race, written):
        text = (written / "report.md").read_text()
        assert "| adam | 20 (15 to 20) |" in text
        assert "untuned" in text
        assert "They differ in: optimizer.name" in text
        results = RaceReader(race).read(race.spec())
        assert results.of(0)[0].origin.weights_sha256[:16] in text
        assert "DNF" in text
        for picture in re.findall(r"\((.*\.svg)\)", text):
            assert (written / picture).read_text().lstrip().startswith("<?xml")
        assert "![by-steps](by-steps.svg)" in text

    def test_the_latex_table_is_whole(self, written):
        text = (written / "standings.tex").read_text()
        assert text.count(r"\\") == 3
        assert re.search(r"67\\%|50\\%", text)

    def test_without_matplotlib_it_says_so_and_goes_on(self, race, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        results = RaceReader(race).read(race.spec())
        written = race_report.write(race, results, race.path / "plain")
        assert [path.suffix for path in written] == [".md", ".tex", ".csv", ".csv"]
        assert "bigmodel-tui[pictures]" in written[0].read_text()

    def test_a_folder_that_cannot_be_written_is_one_line(self, race):
        assert "cannot be written" in refusal("race-report", race.id, "--output", "/dev/null/x")


def test_hostile_labels_reach_neither_terminal_nor_table(runs_root):
    made = tiny("adam")
    from msgspec import structs

    lane = structs.replace(made.lanes[0], label="\x1b]52;c;x\x07 | \\input{x} $")
    made = structs.replace(made, lanes=(lane,), seeds=1)
    chosen = directory.create(runs_root, made)
    write_race(chosen, made, [[[0.5]]])
    results = RaceReader(chosen).read(made)
    table = standings.standings(results)
    head, rows = standings_table.of(results, table)
    for line in (*standings_table.text(head, rows), *standings_table.markdown(head, rows)):
        assert "\x1b" not in line
    assert r" \textbackslash{}input\{x\} \$" in "\n".join(standings_table.latex(head, rows))
    assert standings_table.markdown(head, rows)[2].count(" | ") == len(head) - 1
    written = race_report.write(chosen, results, chosen.path / "report")
    assert all(b"\x1b" not in path.read_bytes() for path in written)


def test_dnf_in_cells(race):
    results = RaceReader(race).read(race.spec())
    _, rows = standings_table.of(results, standings.standings(results))
    assert rows[0][1] == "adam"
    assert "DNF" in rows[1][2]
    assert math.isinf(standings.standings(results).rows[1].steps.high)


def test_unknown_races_offer_the_newest(race, runs_root):
    with pytest.raises(UserError, match=race.id):
        directory.find(runs_root, "zzz")
