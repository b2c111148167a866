"""Measurements: `make bench NAME=<module> [DATA=DIR] [QUICK=1]`; each writes benchmarks/results/<module>.jsonl."""
