"""How near texts are to those that were expected, as the packages of the field measure it."""

from collections.abc import Callable, Mapping, Sequence

from engine.config import task_rules

Texts = Sequence[str]


def measure(task: str, outputs: Texts, expected: Texts) -> dict[str, float]:
    """The metrics of a task whose packages are installed, in percent; `outputs` and `expected` are
    as long as each other, and longer than nothing."""
    absent = task_rules.lacking(task)
    wanted = {name: package for name, package in _needed(task).items() if name not in absent}
    found: dict[str, float] = {}
    for package in dict.fromkeys(wanted.values()):
        found |= _MEASURES[package](outputs, expected)
    return found


def remarks(task: str) -> list[str]:
    """A line that says which metrics are left out and what to install; none if none are."""
    absent = task_rules.lacking(task)
    if not absent:
        return []
    packages = ", ".join(name.replace("_", "-") for name in dict.fromkeys(absent.values()))
    return [
        f"{', '.join(absent)} left out: {packages} is not installed; "
        "pip install 'bigmodel-tui[text]'"
    ]


def _needed(task: str) -> Mapping[str, str]:
    return task_rules.of(task).packages


def _sacrebleu(outputs: Texts, expected: Texts) -> dict[str, float]:
    """BLEU of the whole corpus (Papineni et al. 2002; Post 2018, arXiv:1804.08771) with tokens
    `13a`, and chrF2 (Popovic 2015)."""
    from sacrebleu import BLEU, CHRF

    references = [list(expected)]
    return {
        "bleu": float(BLEU().corpus_score(list(outputs), references).score),
        "chrf": float(CHRF().corpus_score(list(outputs), references).score),
    }


def _rouge(outputs: Texts, expected: Texts) -> dict[str, float]:
    """The mean F1 of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) over the texts, without stemming."""
    from rouge_score.rouge_scorer import RougeScorer

    kinds = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(kinds, use_stemmer=False)
    scores = [scorer.score(*pair) for pair in zip(expected, outputs, strict=True)]
    return {
        kind.lower(): 100 * sum(score[kind].fmeasure for score in scores) / len(scores)
        for kind in kinds
    }


_MEASURES: dict[str, Callable[[Texts, Texts], dict[str, float]]] = {
    "sacrebleu": _sacrebleu,
    "rouge_score": _rouge,
}
