"""Sequential tests behind one port; `none` and `every_n` are the baselines that a real one must beat."""
