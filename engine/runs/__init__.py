"""The run directory and its event log, read and written; torch-free; uses `config`."""
