"""Retraining: requested over HTTP, queued in Postgres, run by the worker, and published if the gate passes it."""
