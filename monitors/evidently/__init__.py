"""Our statistics as Evidently metrics; the one place that imports Evidently, only ever run in a process of its own."""
