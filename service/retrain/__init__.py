"""Retraining: asked for over HTTP, queued in Postgres, done by the worker, published through the gate."""
