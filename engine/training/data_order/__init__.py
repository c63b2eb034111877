"""Which samples make which batch: a function of seed and epoch, however many there are."""
