"""The fixtures of the client's unit tests."""

from tests.support.client_support import hand_clock, no_settings_from_outside, threads_are_seen_out

__all__ = ["hand_clock", "no_settings_from_outside", "threads_are_seen_out"]
