"""Stored model versions: upload, list, inspect, activate."""
