"""One check a file; each is pure, linear in the text, and independent of its siblings."""
