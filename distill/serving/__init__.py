"""Our own OpenAI-compatible server for students: its wire format, its batching and its shelf of models."""
