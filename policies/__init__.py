"""Safety that does not trust the student: checks on what comes in and on what any model answers."""
