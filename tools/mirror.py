"""Fails when a source module has no `tests/unit/<package>/test_<module>.py`, or such a file no module."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def expected(packages: list[str]) -> dict[Path, Path]:
    """The test file that each source module must have."""
    pairs = {}
    for package in packages:
        for module in sorted((ROOT / package).rglob("*.py")):
            if module.name not in {"__init__.py", "__main__.py"}:
                relative = module.relative_to(ROOT)
                pairs[relative] = Path("tests/unit") / relative.parent / f"test_{relative.name}"
    return pairs


def main() -> int:
    """Print what is missing or left over; 1 if anything is."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    wanted = expected(packages)
    present = {path.relative_to(ROOT) for path in (ROOT / "tests/unit").rglob("test_*.py")}
    missing = [f"{module} has no {test}" for module, test in wanted.items() if test not in present]
    left_over = [f"{test} tests no module" for test in sorted(present - set(wanted.values()))]
    print("\n".join(missing + left_over), end="\n" if missing or left_over else "")
    return 1 if missing or left_over else 0


if __name__ == "__main__":
    sys.exit(main())
