"""I/O that more than one process needs; each file implements one port of `domain`."""
