"""Closed trades on disk, from `record_outcome` until the service acknowledges them."""
