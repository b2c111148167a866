"""Where processes meet."""
