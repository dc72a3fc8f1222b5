"""Postgres: the embedded server, the tables, the sessions."""
