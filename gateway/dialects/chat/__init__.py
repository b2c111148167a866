"""Chat completions, `/v1/chat/completions` (platform.openai.com/docs/api-reference/chat)."""
