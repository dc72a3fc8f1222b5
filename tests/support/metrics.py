"""A service's metrics, as whoever scrapes them reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.support.running_service import RunningService

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def metrics(service: RunningService) -> Samples:
    """Every sample, by its name and labels."""
    reply = service.request("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(reply.data.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def metric(service: RunningService, name: str, **labels: str) -> float:
    """One sample; 0 where there is none yet."""
    return metrics(service).get((name, frozenset(labels.items())), 0.0)
