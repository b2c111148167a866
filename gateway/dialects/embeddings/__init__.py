"""Embeddings, `/v1/embeddings` (platform.openai.com/docs/api-reference/embeddings)."""
