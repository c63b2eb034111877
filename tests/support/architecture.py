"""The examples of ARCHITECTURE.md."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(language, heading="## Adding things"):
    """The blocks of a language between a heading of the page and the next one."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.split(r"\n#+ ", text.partition(f"\n{heading}\n")[2], maxsplit=1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
