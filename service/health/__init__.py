"""Alive, ready."""
