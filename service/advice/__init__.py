"""Advice at entry: computed from memory, logged asynchronously."""
