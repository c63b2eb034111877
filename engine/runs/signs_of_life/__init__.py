"""Signs of life: which process it is, its heartbeat, and the status that follows; torch-free."""
