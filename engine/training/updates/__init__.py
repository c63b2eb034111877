"""How gradients become an update: groups, clipping, the optimizer, averages; uses `config`."""
