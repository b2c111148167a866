"""The hot path: an OpenAI-compatible endpoint that never waits for the store, the monitors or a scrape."""
