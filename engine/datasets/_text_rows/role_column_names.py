"""The columns of common data sets, by the names that they have there."""

from engine.datasets._text_rows.columns import Role

TEXT = Role(
    "text",
    (
        *(("title", "description"), ("title", "content"), ("text",), ("sentence",), ("review",)),
        *(("tweet",), ("content",), ("comment",), ("document",), ("message",), ("body",)),
        *(("question",), ("title",)),
    ),
)
LABEL = Role(
    "label",
    (
        *(("label",), ("labels",), ("class index",), ("sentiment",), ("class",), ("category",)),
        *(("target",), ("polarity",), ("rating",), ("stars",), ("score",), ("topic",)),
    ),
    unnamed="shortest",
)
SOURCE = Role(
    "source",
    (
        *(("source",), ("src",), ("input",), ("english",), ("en",), ("translation.en",)),
        ("sentence1",),
    ),
    unnamed=0,
)
TARGET = Role("target", (("target",), ("tgt",), ("trg",), ("output",), ("sentence2",)), unnamed=1)
DOCUMENT = Role(
    "source", (("article",), ("document",), ("passage",), ("text",), ("content",), ("source",))
)
SUMMARY = Role(
    "target",
    (("highlights",), ("summary",), ("heading",), ("headline",), ("title",), ("target",)),
)
