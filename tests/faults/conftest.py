"""The fixtures of the fault tests: those of the client's own tests."""

from tests.support.client_support import client_environment, hand_clock, run_python

__all__ = ["client_environment", "hand_clock", "run_python"]
