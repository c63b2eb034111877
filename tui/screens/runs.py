"""All runs: sorted, filtered, annotated, deleted; opened, resumed and forked from here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs
from rich.text import Text
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from engine.runs.run_directory import RunDir
from presets import UserError
from tui.choices.kept import small_files
from tui.choices.kept.shown_columns import SUBJECT, ShownColumns
from tui.panels.footer import FittingFooter
from tui.panels.keys import Key, bindings, together
from tui.panels.prompt import Prompt, Question
from tui.panels.run_table import RunTable
from tui.runs import meta
from tui.runs.listing import columns, query, trash
from tui.runs.listing.columns import COLUMNS, Column, sort
from tui.runs.listing.row import Row
from tui.runs.listing.thread import Lister
from tui.screens.app_screen import BACK, LEAVE, NEW, RACES
from tui.screens.fork_resume_rerun import AGAIN, FORK, RESUME, RunActions
from tui.text import clean, count

_FILTER_HINT = "words, and terms such as optimizer.name=adam lr>=1e-3 val/accuracy>0.97"
_ON_A_RUN = ("resume_run", "fork", "again", "delete", "undo")
_COLUMNS_HINT = "words, settings and metrics: status optimizer.lr best:val/loss last:train/loss"
_ASCENDING = ("name", "status", "age", "device", "id")


class RunsScreen(RunActions):
    """The list of all runs: its rows come from the index at once, and a thread updates them."""

    KEYS = (
        Key("enter", "open", "Open", "watch the run, or the marked ones together", footer=True),
        Key(
            "y", "try", "Try", "ask the trained model, or two marked ones side by side", footer=True
        ),
        Key("slash", "filter", "Filter", f"filter, while typing: {_FILTER_HINT}", footer=True),
        Key("space", "mark", "Mark", "mark a run, to watch several together", footer=True),
        together(
            Key("o", "sort", "Order", "sort by the next column", footer=True),
            Key("O", "reverse", "Reverse order", "the other way round"),
        ),
        replace(BACK, does=f"drop the filter; {BACK.does}"),
        Key("c", "columns", "Columns", f"choose the columns: {_COLUMNS_HINT}", footer=True),
        together(
            Key("t", "tag", "Tag", "tags, separated by spaces", footer=True),
            Key("a", "note", "Note", "a note on the run", footer=True),
            Key("i", "rename", "Name", "a name in place of the settings", footer=True),
        ),
        together(
            Key("d", "delete", "Delete", "move the run to the trash (`runs/.trash`)", footer=True),
            Key("u", "undo", "Undo", "take the last deleted run back", footer=True),
        ),
        RESUME,
        FORK,
        RACES,
        replace(NEW, name="New", does="choose and start another run"),
        replace(AGAIN, does=f"{AGAIN.does} and the marked ones"),
        LEAVE,
    )
    BINDINGS = bindings(KEYS)
    PARTS = (RunTable,)

    class Listed(Message):
        """The thread brought the rows up to date."""

        def __init__(self, rows: list[Row], *, complete: bool) -> None:
            super().__init__()
            self.rows = rows
            self.complete = complete

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RunsScreen.Listed)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._lister = Lister(root, self._deliver)
        self._rows: list[Row] = []
        self._shown = 0
        self._complete = False
        self._query = query.Query()
        self._chosen = small_files.load(SUBJECT, ShownColumns)
        """The columns that a person chose, and the order of the rows."""
        self._deleted: list[tuple[Path, Row]] = []

    def compose(self) -> ComposeResult:
        yield Static("", id="title", markup=False)
        yield RunTable()
        yield Prompt()
        yield FittingFooter()

    def on_mount(self) -> None:
        self._rows = self._lister.known()
        self._show()
        self.query_one(RunTable).focus()
        self._lister.start()

    def on_unmount(self) -> None:
        self._lister.close()

    def _deliver(self, rows: list[Row], complete: bool) -> None:
        """Called in the lister's thread."""
        self.post_message(self.Listed(rows, complete=complete))

    def on_runs_screen_listed(self, message: Listed) -> None:
        """Show what the thread found."""
        self._rows, self._complete = message.rows, message.complete or self._complete
        self._show()

    def _show(self) -> None:
        wanted = self._rows
        if self._query.terms:
            wanted = [row for row in wanted if self._query.matches(row)]
        shown = self._columns()
        self._shown = len(wanted)
        table = self.query_one(RunTable)
        table.marked &= {row.id for row in self._rows}
        table.empty = self._why_empty()
        column = next((each for each in shown if each.name == self._chosen.sort), shown[0])
        descending = self._chosen.descending
        table.show(sort(wanted, column, descending=descending), (column.name, descending), shown)
        self.query_one("#title", Static).update(self._title())
        self.refresh_bindings()

    def _columns(self) -> Sequence[Column]:
        """The columns for these runs; the usual ones if what was remembered is of no use."""
        try:
            return columns.chosen(self._chosen.columns, self._rows)
        except UserError:
            return COLUMNS

    def _why_empty(self) -> str:
        if self._rows:
            return "no run matches; / changes the filter, Esc drops it"
        return "no runs here yet; n chooses and starts one" if self._complete else ""

    def _title(self) -> Text:
        text = Text(f"Runs in {clean(str(self._root))}  ", style="bold")
        total = f"{count(len(self._rows))} run{'s' * (len(self._rows) != 1)}"
        if self._query.terms:
            total = f"{count(self._shown)} of {total}: {clean(str(self._query))}"
        text.append(total, style="not bold")
        if not self._complete:
            text.append("  reading ...", style="not bold dim")
        text.truncate(max(0, self.size.width - 2), overflow="ellipsis")
        return text

    def offered(self, action: str, name: str) -> str:
        row = self.query_one(RunTable).current
        if action not in ("open", "try", "tag", "note", "rename", "mark", *_ON_A_RUN):
            return name
        if row is None or (action == "undo" and not self._deleted):
            return ""
        if row.active and action in ("resume_run", "delete"):
            return ""
        return "" if action == "resume_run" and row.status == "done" else name

    def run_at_hand(self) -> RunDir | None:
        row = self.query_one(RunTable).current
        return RunDir(self._root / row.id) if row is not None else None

    def status_at_hand(self) -> str:
        row = self.query_one(RunTable).current
        return row.status if row is not None else ""

    def label_at_hand(self) -> str:
        row = self.query_one(RunTable).current
        return row.label if row is not None else ""

    def runs_shown(self) -> list[RunDir]:
        return [RunDir(self._root / name) for name in sorted(self.query_one(RunTable).marked)]

    def on_run_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Watch the marked runs, or the one at hand."""
        self._open(page=0)

    def action_try(self) -> None:
        """Ask the models of the marked runs, or of the one at hand."""
        self._open(page=6)

    def _open(self, *, page: int) -> None:
        marked = self.query_one(RunTable).marked
        runs = [RunDir(self._root / name) for name in sorted(marked)]
        if not runs and (run := self.run_at_hand()) is not None:
            runs = [run]
        if runs:
            self.host.open_dashboard(runs, page=page)

    def action_mark(self) -> None:
        """Mark the run at hand."""
        self.query_one(RunTable).mark()

    def action_sort(self) -> None:
        """Sort by the next column."""
        names = [column.name for column in self._columns()]
        at = names.index(self._chosen.sort) if self._chosen.sort in names else -1
        name = names[(at + 1) % len(names)]
        self._choose(sort=name, descending=name not in _ASCENDING)

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._choose(descending=not self._chosen.descending)

    def action_columns(self) -> None:
        """Ask for the columns; they are kept, also after the next start."""

        def choose(text: str) -> None:
            names = tuple(dict.fromkeys(text.replace(",", " ").split()))
            columns.chosen(names, self._rows)
            self._choose(columns=names)

        now = " ".join(column.name for column in self._columns())
        self.query_one(Prompt).ask(
            Question("Columns", f"{_COLUMNS_HINT}; empty: the usual ones", choose, value=now)
        )

    def _choose(self, **changes: Any) -> None:
        """Show and remember other columns or another order."""
        self._chosen = structs.replace(self._chosen, **changes)
        small_files.save(SUBJECT, self._chosen)
        self._show()

    def action_back(self) -> None:
        """Back to the screen below; first without the filter."""
        if self._query.terms:
            self._filter("")
        else:
            super().action_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc also drops a filter."""
        dropped = action == "back" and bool(self._query.terms)
        return dropped or super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Ask which runs to show; the list follows while the text is typed."""
        before = str(self._query)
        self.query_one(Prompt).ask(
            Question(
                "Filter",
                _FILTER_HINT,
                self._filter,
                changed=self._filter,
                value=before,
                cancelled=lambda: self._filter(before),
            )
        )

    def _filter(self, text: str) -> None:
        self._query = query.parse(text)
        self._show()

    def action_tag(self) -> None:
        """Ask for the tags of the run at hand."""

        def tags(text: str) -> tuple[str, ...]:
            words = text.replace(",", " ").split()
            return tuple(dict.fromkeys(word.removeprefix("#") for word in words if word != "#"))

        self._remark("tags", "separated by spaces", lambda row: " ".join(row.tags), tags)

    def action_note(self) -> None:
        """Ask for a note on the run at hand."""
        self._remark("note", "one line", lambda row: row.note, str)

    def action_rename(self) -> None:
        """Ask for a name of the run at hand."""
        self._remark("name", "empty: the settings name it", lambda row: row.name, str)

    def _remark(
        self, what: str, hint: str, now: Callable[[Row], str], parse: Callable[[str], object]
    ) -> None:
        row = self.query_one(RunTable).current
        if row is None:
            return
        run = RunDir(self._root / row.id)

        def write(text: str) -> None:
            meta.write(run, **{what: parse(text)})
            self._lister.refresh()

        self.query_one(Prompt).ask(
            Question(what.capitalize(), hint, write, value=clean(now(row), 500))
        )

    def action_delete(self) -> None:
        """Move the run at hand to the trash; an active one never."""
        row, run = self.query_one(RunTable).current, self.run_at_hand()
        if row is None or run is None:
            return
        if row.active and row.status != "queued":
            self.complain(f"{row.id} is {row.status}; stop it first")
            return
        try:
            self._deleted.append((trash.delete(run), row))
        except UserError as error:
            self.complain(str(error))
            return
        self._rows = [other for other in self._rows if other.id != row.id]
        self._show()
        self._lister.refresh()
        self.notify(clean(f"u takes it back: {row.label} is in {trash.FOLDER}"), markup=False)

    def action_undo(self) -> None:
        """Take the last deleted run back."""
        if not self._deleted:
            self.notify("Nothing was deleted here.")
            return
        place, row = self._deleted.pop()
        try:
            trash.restore(place, RunDir(self._root / row.id))
        except UserError as error:
            self.complain(str(error))
        else:  # its log may take a while to read again
            self.app.clear_notifications()  # one of them says that it is in the trash
            self._rows = [*self._rows, row]
            self._show()
        self._lister.refresh()
