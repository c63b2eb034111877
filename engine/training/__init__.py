"""The training of one run on one device; uses `tasks`, `runs` and `config`."""
