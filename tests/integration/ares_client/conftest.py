"""The fixtures of the client's integration tests."""

from tests.support.client_support import no_settings_from_outside, refused_url, threads_are_seen_out

__all__ = ["no_settings_from_outside", "refused_url", "threads_are_seen_out"]
