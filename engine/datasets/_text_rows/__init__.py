"""Rows of texts in files: CSV, TSV, JSON lines, parquet, two files side by side.

They are read when they are asked for, so a file may be larger than memory; without torch.
"""

from engine.datasets._text_rows.columns import Role
from engine.datasets._text_rows.rows_by_split import Rows, Table, opened

__all__ = ["Role", "Rows", "Table", "opened"]
