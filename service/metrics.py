"""Metrics for Prometheus. Nothing here queries the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kronos.market.sessions import NEW_YORK

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class ServiceMetrics:
    """The metrics of one application, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "advisor_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.request_seconds = Histogram(
            "advisor_http_request_seconds",
            "Time to answer a request.",
            ("method", "route"),
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.advice = Counter(
            "advisor_advice", "Advice given.", ("advice", "status", "variant"), registry=self.registry
        )
        self.outcomes = Counter("advisor_outcomes", "Reported trades, by result.", ("status",), registry=self.registry)
        self.database_up = Gauge(
            "advisor_database_up", "1 if the last query to Postgres was answered, else 0.", registry=self.registry
        )
        self.champion_refused = Gauge(
            "advisor_champion_refused",
            "1 while the stored champion fails its checks and the previous model is served.",
            registry=self.registry,
        )
        self._model = Gauge(
            "advisor_model_info", "The model being served.", ("version", "sha256"), registry=self.registry
        )
        self._trained_through = Gauge(
            "advisor_model_trained_through_timestamp_seconds",
            "Start of the last session that the model was trained on.",
            registry=self.registry,
        )
        self._silenced = Gauge(
            "advisor_variant_silenced",
            "1 if a variant of the model being served has lost its skill since training, else 0.",
            ("variant",),
            registry=self.registry,
        )
        self._bars_through = Gauge(
            "advisor_market_days_through_timestamp_seconds",
            "Start of the last session with a stored bar.",
            registry=self.registry,
        )
        self._list_ends = Gauge(
            "advisor_list_ends_timestamp_seconds",
            "Start of the last day of a list that this version carries.",
            ("list",),
            registry=self.registry,
        )

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Export a value that is computed whenever the metrics are read."""
        Gauge(name, meaning, registry=self.registry).set_function(value)

    def model_is_live(self, version: str, sha256: str, trained_through: date) -> None:
        """Export which model is being served."""
        self._model.clear()
        self._model.labels(version, sha256).set(1)
        self._trained_through.set(_start_of(trained_through))

    def variants_are_silenced(self, variants: Iterable[str], silenced: Collection[str]) -> None:
        """Export which variants of the model being served are silent."""
        self._silenced.clear()
        for variant in variants:
            self._silenced.labels(variant).set(variant in silenced)

    def bars_are_held_through(self, last: date) -> None:
        """Export how recent the market days are."""
        self._bars_through.set(_start_of(last))

    def lists_end(self, *, sessions: date, fomc: date) -> None:
        """Export when the lists of sessions and of announcements end."""
        self._list_ends.labels("sessions").set(_start_of(sessions))
        self._list_ends.labels("fomc").set(_start_of(fomc))

    def text(self) -> bytes:
        """The metrics in the Prometheus text format."""
        return generate_latest(self.registry)


def _start_of(day: date) -> float:
    return datetime.combine(day, time(), NEW_YORK).timestamp()
