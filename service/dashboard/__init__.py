"""The operators' page: static files that get their data from the public API."""
