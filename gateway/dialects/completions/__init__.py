"""Completions of a prompt, `/v1/completions` (platform.openai.com/docs/api-reference/completions)."""
