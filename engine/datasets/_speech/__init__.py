"""Speech as frames and symbols: what data sets of recordings have in common."""
