"""Advice at entry: answered from memory, logged behind."""
