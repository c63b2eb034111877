"""The table of figures says what was asked, what was measured, and what failed."""

from support import figures
from support.figures import Row


def test_without_rows_there_is_no_table() -> None:
    assert figures.table([]) == []


def test_several_measurements_stand_below_each_other_and_silent_ones_are_counted() -> None:
    rows = [
        Row("kills", "0 lost", "0 lost", "passed"),
        Row("sshd", "gone <= 2 s", "0.1 s", "passed"),
        Row("sshd", "gone <= 2 s", "9 s", "failed"),
        Row("resume", "identical", "", "passed"),
        Row("resume", "identical", "", "failed"),
        Row("tmpfs", "goes on", "needs root", "skipped"),
        Row("nothing said", "x", "", "failed"),
    ]
    assert [line.split("  ")[-1].strip() for line in figures.table(rows)] == [
        "measured",
        "ok",
        "ok",
        "FAILED",
        "FAILED",
        "skipped",
        "FAILED",
    ]
    lines = [" ".join(line.split()) for line in figures.table(rows)]
    assert lines[2:5] == [
        "sshd gone <= 2 s 0.1 s ok",
        "9 s FAILED",
        "resume identical 1 of 2 FAILED",
    ]
