"""Who hears of a signal."""
