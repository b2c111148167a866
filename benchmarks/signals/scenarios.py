"""Kinds of harmless traffic, which a detector must live with.  All numbers are choices; none is fitted to real data."""

from __future__ import annotations

from dataclasses import dataclass, replace

HOURS = 24
WEEK = 7
REFERENCE_DAYS = 14
MONITORED_DAYS = 90


@dataclass(frozen=True)
class Volume:
    """How much of the traffic is seen: journalled inputs and teacher pairs a day, on average."""

    inputs: int
    pairs: int

    def __str__(self) -> str:
        return f"{self.inputs:,}/day"


VOLUMES = (Volume(200, 20), Volume(2000, 200), Volume(20_000, 1000))
SMALL, MEDIUM, LARGE = VOLUMES


@dataclass(frozen=True)
class Scenario:
    """One kind of traffic without drift.  The defaults are independent requests at a constant rate.

    Days are counted from the first reference day, a Monday, and hours in the task's time zone.
    """

    name: str
    clusters: int = 30
    night: float = 1.0  # volume of the busiest hour over that of the quietest
    weekend: float = 1.0  # volume of a weekend day over that of a weekday
    mix: float = 0.0  # log-amplitude of the cluster shares over the day, and their weekend effect
    night_novelty: float = 0.0  # shift of novelty in the quietest hour, in standard deviations
    users: int = (
        0  # with activity rank^-1.1, own topics, novelty and errors, who talk in conversations; 0: nobody twice
    )
    user_day: float = 0.6  # sd of a user's log-activity, AR(1) over days
    bursts: float = 0.0  # batches a day of 50 to 500 near-identical requests inside one hour
    hashed: float = 0.9  # share of near-identical requests that the near-duplicate key catches
    wander: float = 0.0  # sd a day of the random walk of the log-shares
    campaigns: float = 0.0  # a day: a known cluster sends three times as much for one to three days
    weekly_batch: int = 0  # near-identical requests every Monday at 3
    holiday: tuple[int, int] = (0, 0)  # first day and length: weekend mix, three tenths of the volume
    yearly: float = 0.0  # log-amplitude of volume and shares over 365 days
    clock_changes: tuple[int, ...] = ()  # days from which users live one hour earlier, later, earlier ...
    volume_step: tuple[int, float] = (0, 1.0)  # from this day on the traffic is this many times as large
    sampling_step: tuple[int, float] = (0, 1.0)  # from this day on this many times as many are sampled, pairs too
    late_h: float = 0.0  # mean delay of the teacher's answers; half a day of silence every week comes on top
    one_each: bool = False  # of a user's requests in a cluster and an hour only the first is counted
    clumps: float = 0.0  # a day: the teacher errs in a fifth of the answers to a tenth of the clusters for 1 to 6 hours


_SEASONS = Scenario("seas_mod", night=3, weekend=0.6, mix=0.4, night_novelty=0.2)
_STRONG = Scenario("seas_str", night=11, weekend=0.3, mix=0.9, night_novelty=0.4)
REAL = replace(_SEASONS, name="real", users=120, bursts=0.3, wander=0.02)
_HARD = replace(_STRONG, name="hard", users=15, bursts=1.0, wander=0.04, campaigns=0.1)

PLAIN = (
    Scenario("iid"),
    _SEASONS,
    _STRONG,
    Scenario("users", users=120),
    Scenario("bursts", bursts=0.5),
    Scenario("wander", wander=0.04),
    REAL,
    replace(REAL, name="real_camp", campaigns=0.1),
    _HARD,
)
# Nobody chose a constant of the detectors by these.
UNSEEN = (
    replace(_HARD, name="stress", users=5, user_day=1.2, bursts=3.0, wander=0.06, campaigns=0.2),
    replace(REAL, name="weekly batch", weekly_batch=1000),
    replace(REAL, name="holiday", holiday=(REFERENCE_DAYS + 30, 3)),
    replace(REAL, name="yearly season", yearly=0.4),
    replace(REAL, name="clock changes", clock_changes=(REFERENCE_DAYS + 20, REFERENCE_DAYS + 55)),
    replace(REAL, name="volume x3", volume_step=(REFERENCE_DAYS + 30, 3.0)),
    replace(REAL, name="volume / 3", volume_step=(REFERENCE_DAYS + 30, 1 / 3)),
    replace(REAL, name="sampling x3", sampling_step=(REFERENCE_DAYS + 30, 3.0)),
    replace(REAL, name="sampling / 3", sampling_step=(REFERENCE_DAYS + 30, 1 / 3)),
    replace(REAL, name="late teacher", late_h=6.0),
    replace(REAL, name="teacher in clumps", clumps=0.25),
    replace(REAL, name="5 clusters", clusters=5),
    replace(REAL, name="100 clusters", clusters=100),
    replace(REAL, name="200 clusters", clusters=200),
)
# With a user key, one request of each user, cluster and hour may be counted; the volumes are those before that.
ONE_EACH = tuple(
    replace(scenario, name=f"{scenario.name}, one each", one_each=True) for scenario in (REAL, _HARD, UNSEEN[0])
)
BY_NAME = {scenario.name: scenario for scenario in (*PLAIN, *UNSEEN, *ONE_EACH)}
