"""The operators' page: files of its own, filled by the same API that everyone else asks."""
