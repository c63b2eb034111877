"""What a person can do now with a run: what the footer offers; pure."""

from tui.runs.state.store import RunState

WITHOUT_VALUE = ("stop", "pause", "checkpoint", "profile")
"""Commands that a loop of the user's may accept, and that have keys of their own; all else that it
accepts is set with `l`."""


def possible(state: RunState) -> frozenset[str]:
    """The actions on a run that make sense now."""
    if state.read_only:
        return frozenset()
    if state.started is not None and state.started.task == "open":
        return _of_own_loop(state.started.accepts) if state.active else frozenset()
    fork = {"fork"} if state.checkpoints else set()
    if state.active:
        commands = {"pause", "stop", "checkpoint", "lr", "clip", "extend", "again"}
        return frozenset(commands | fork)
    longer = {"extend"} if state.checkpoints else set()
    resume = {"resume_run"} if state.status != "done" else set()
    return frozenset({"again"} | fork | longer | resume)


def _of_own_loop(accepts: list[str]) -> frozenset[str]:
    """What keys can ask of a training loop of the user's; one that tells nothing can be stopped."""
    told = set(accepts or ["stop"])
    found = told & {"stop", "pause", "checkpoint"}
    return frozenset(found | ({"lr"} if told - set(WITHOUT_VALUE) else set()))


STEERING = frozenset(
    ("pause", "stop", "checkpoint", "lr", "clip", "extend", "again", "fork", "resume_run")
)
"""The actions on a run."""


def offered(state: RunState, action: str, name: str) -> str:
    """What the footer calls an action on this run; "" where it cannot be done now."""
    base = action.partition("(")[0]
    if base not in STEERING:
        return name
    if base not in possible(state):
        return ""
    if base == "pause" and state.paused is not None:
        return "Go on"
    return "Train longer" if base == "extend" and not state.active else name
