"""The fixtures of the fault tests: those of the client's own tests."""

from tests.support.client_support import (
    client_environment,
    hand_clock,
    no_settings_from_outside,
    refused_url,
    run_python,
    threads_are_seen_out,
)

__all__ = [
    "client_environment",
    "hand_clock",
    "no_settings_from_outside",
    "refused_url",
    "run_python",
    "threads_are_seen_out",
]
