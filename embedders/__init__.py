"""Texts to vectors, for the monitors and for distill.  Heavy imports happen inside the one that needs them."""
