"""What stands between a call and its upstream: turns, replicas, breakers, retries, hedges."""
