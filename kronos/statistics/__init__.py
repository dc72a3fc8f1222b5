"""Scores, intervals and ratios, each defined once. NumPy only."""
