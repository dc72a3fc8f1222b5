"""The history that features are derived from."""
