"""Daily bars on exchange sessions: held, read, fetched."""
