"""For all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The first text of a fresh clone builds Hypothesis' tables of Unicode, which takes more than the second that its check
# of slow generation allows: whichever test comes first would fail.  Speed is measured in benchmarks, never in a test.
settings.register_profile("preceptor", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("preceptor")
