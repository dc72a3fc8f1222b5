"""KRONOS: from market history to trades, features, a calibrated model and its evaluation."""
