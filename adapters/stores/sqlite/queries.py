"""What is read from the tables.  Each query walks an index: a store of a year answers like one of a day."""

from __future__ import annotations

BACKLOG = """
SELECT (SELECT count(*) FROM exchanges WHERE task = :task AND watched = 0),
       (SELECT count(*) FROM pairs WHERE task = :task AND state = 'pending'),
       (SELECT count(*) FROM signals WHERE task = :task AND delivered_at IS NULL AND kind = 'retrain'),
       (SELECT at FROM exchanges WHERE task = :task AND watched = 0 ORDER BY seq LIMIT 1)"""

EXCHANGES = """
SELECT body, novelty, cluster FROM exchanges WHERE task = :task AND at >= :after AND :model IN ('', model)
ORDER BY at DESC, seq DESC LIMIT :limit"""

JUDGED = """
SELECT body FROM exchanges WHERE task = :task AND at >= :after ORDER BY at DESC, seq DESC LIMIT :limit"""

EXCHANGES_BY_ID = """
SELECT e.body, e.novelty, e.cluster FROM json_each(:ids) AS wanted JOIN exchanges AS e ON e.id = wanted.value
ORDER BY wanted.key"""

# The newest of both kinds by their own index, then the newest of these: never a sort of all pairs of a task.
PAIRS = """
SELECT body FROM (
  SELECT * FROM (
    SELECT body, closed_seq, seq FROM pairs
    WHERE task = :task AND state = 'pending' AND opened_at >= :after AND :model IN ('', model)
    ORDER BY seq DESC LIMIT :limit)
  UNION ALL
  SELECT * FROM (
    SELECT body, closed_seq, seq FROM pairs
    WHERE task = :task AND closed_seq IS NOT NULL AND opened_at >= :after AND :model IN ('', model)
    ORDER BY closed_seq DESC LIMIT :limit)
) ORDER BY closed_seq IS NULL DESC, closed_seq DESC, seq DESC LIMIT :limit"""

PAIR_COUNTS = "SELECT state, count(*) FROM pairs WHERE task = :task GROUP BY state"

SPENT_USD = """
SELECT (SELECT coalesce(sum(cost_usd), 0) FROM pairs WHERE task = :task AND closed_at >= :since)
     + (SELECT coalesce(sum(cost_usd), 0) FROM rechecks WHERE task = :task AND at >= :since)"""

READINGS = "SELECT body FROM readings WHERE task = :task AND at >= :after ORDER BY at, seq"

DETECTOR_STATES = """
SELECT task, detector, reference_id, body FROM detector_states
WHERE task = :task AND reference_id = :reference_id ORDER BY detector"""

SIGNALS = "SELECT body, delivered_at FROM signals WHERE task = :task AND at >= :after ORDER BY at, seq"

UNDELIVERED = """
SELECT body, delivered_at FROM signals WHERE delivered_at IS NULL AND kind = 'retrain'
ORDER BY at, seq LIMIT :limit"""

DEPLOYMENTS = "SELECT body FROM deployments WHERE task = :task ORDER BY seq"

DEPLOYMENT = "SELECT body FROM deployments WHERE task = :task ORDER BY seq DESC LIMIT 1"

BLOB = "SELECT body FROM blobs WHERE id = :id"

KEYS = "SELECT body, revoked_at FROM client_keys ORDER BY created_at, seq"

COMPLETION = "SELECT body, metadata FROM completions WHERE owner = :owner AND id = :id"

# Metadata is a JSON array of [key, value]: a pair's JSON is compared whole, which holds for any text, NUL included.
_COMPLETIONS = """
SELECT body, metadata FROM completions
WHERE owner = :owner AND (at, seq) {beyond} (:at, :seq) AND :task IN ('', task) AND NOT EXISTS (
  SELECT 1 FROM json_each(:metadata) AS wanted
  WHERE wanted.value NOT IN (SELECT value FROM json_each(completions.metadata)))
ORDER BY at {order}, seq {order} LIMIT :limit"""

COMPLETIONS_OLDEST_FIRST = _COMPLETIONS.format(beyond=">", order="ASC")

COMPLETIONS_NEWEST_FIRST = _COMPLETIONS.format(beyond="<", order="DESC")

COMPLETION_PLACE = "SELECT at, seq FROM completions WHERE owner = :owner AND id = :id"

RELOAD_REQUESTED = "SELECT at FROM reload WHERE id = 1"
