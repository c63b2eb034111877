"""Rows of texts in files: CSV, TSV, JSON lines, parquet, two files side by side; read when asked
for, so that a file may be larger than memory; without torch."""

from engine.datasets._text_rows.columns import Role
from engine.datasets._text_rows.table import Rows, Table, opened

__all__ = ["Role", "Rows", "Table", "opened"]
