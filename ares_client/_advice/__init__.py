"""Asking for advice: the request, the deadline, the circuit breaker and the fallback."""
