"""All runs: sorted, filtered, annotated, deleted; opened, resumed and forked from here."""

from collections.abc import Callable
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Static

from engine.runs.run_directory import RunDir
from presets import UserError
from tui.panels.footer import FittingFooter
from tui.panels.prompt import Prompt, Question
from tui.panels.run_table import COLUMNS, RunTable, sort
from tui.runs import meta
from tui.runs.listing import query, trash
from tui.runs.listing.row import Row
from tui.runs.listing.thread import Lister
from tui.screens.run_actions import RunActions
from tui.text import clean, count

_FILTER_HINT = "words, and terms such as optimizer.name=adam lr>=1e-3 val/accuracy>0.97"
_ASCENDING = ("name", "status", "age", "device")


class RunsScreen(RunActions):
    """The rows come from the index at once, and are brought up to date by a thread."""

    BINDINGS = [
        Binding(
            "enter", "open", "Open", key_display="Enter", tooltip="Watch the run, or the marked"
        ),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show some of the runs"),
        Binding("space", "mark", "Mark", key_display="Space", tooltip="Open several together"),
        Binding("o", "sort", "Order", tooltip="Sort by the next column"),
        Binding("escape", "back", "Back", key_display="Esc", tooltip="Back to where you were"),
        Binding("t", "tag", "Tag", tooltip="Tags, separated by spaces"),
        Binding("a", "note", "Note", tooltip="A note on the run"),
        Binding("i", "rename", "Name", tooltip="A name in place of the settings"),
        Binding("d", "delete", "Delete", tooltip="Move the run to the trash"),
        Binding("u", "undo", "Undo", tooltip="Take the last deleted run back"),
        Binding("R", "resume_run", "Resume", tooltip="Go on with a run that ended"),
        Binding("f", "fork", "Fork", tooltip="Start a new run from a checkpoint of this one"),
        Binding("C", "races", "Races", show=False, tooltip="List all races"),
        Binding("n", "new", "New", tooltip="Choose and start another run"),
        Binding("N", "again", "Again", tooltip="Begin another run beside it, with its settings"),
        Binding("O", "reverse", "Reverse order", show=False, tooltip="Sort the other way round"),
        Binding("q", "app.quit", "Quit", tooltip="Leave; runs go on"),
    ]
    KEYS = (
        ("Enter", "watch the run, or the marked ones together"),
        ("Up, Down, k, j", "choose a run; Page Up, Page Down, Home, End"),
        ("Space", "mark a run"),
        ("/", f"filter: {_FILTER_HINT}"),
        ("o, O", "sort by the next column; the other way round"),
        ("t, a, i", "tags, a note, a name"),
        ("d, u", "move a run to the trash; take it back"),
        ("R", "go on with a run that ended"),
        ("f", "fork: a new run from its newest checkpoint, with other settings"),
        ("C", "list all races"),
        ("n", "choose and start another run"),
        ("N", "change something of the run, and train that beside it and the marked ones"),
        ("Esc", "back to where you were"),
        ("q", "quit; runs go on"),
    )

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
        self._column = next(i for i, column in enumerate(COLUMNS) if column.title == "age")
        self._descending = False
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
        wanted = (
            [row for row in self._rows if self._query.matches(row)]
            if self._query.terms
            else (self._rows)
        )
        column = COLUMNS[self._column]
        self._shown = len(wanted)
        table = self.query_one(RunTable)
        table.marked &= {row.id for row in self._rows}
        table.empty = self._why_empty()
        table.show(
            sort(wanted, column, descending=self._descending), (column.title, self._descending)
        )
        self.query_one("#title", Static).update(self._title())

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
        marked = self.query_one(RunTable).marked
        runs = [RunDir(self._root / name) for name in sorted(marked)]
        if not runs and (run := self.run_at_hand()) is not None:
            runs = [run]
        if runs:
            self._app.open_dashboard(runs)

    def action_mark(self) -> None:
        """Mark the run at hand."""
        self.query_one(RunTable).mark()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._column = (self._column + 1) % len(COLUMNS)
        self._descending = COLUMNS[self._column].title not in _ASCENDING
        self._show()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._descending = not self._descending
        self._show()

    def action_back(self) -> None:
        """Back to the screen below; first without the filter."""
        if self._query.terms:
            self._filter("")
        else:
            self._app.close_runs()

    def action_races(self) -> None:
        """List all races."""
        self._app.open_races()

    def action_new(self) -> None:
        """Go to the launch screen."""
        self._app.open_launch()

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
        self.notify(clean(f"{row.label} is in {trash.FOLDER}; u takes it back"), markup=False)

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
