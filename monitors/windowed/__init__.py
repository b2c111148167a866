"""Detectors whose budget is counted in days: they read the counts of an hour and hold on seasonal, bursty traffic."""
