"""Everything slow: embedding, novelty, the shadow, agreement, signals, reports.  Traffic never waits for it."""
