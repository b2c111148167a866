"""`python -m distill`: the student server."""

from __future__ import annotations

import sys

from distill.student_app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
