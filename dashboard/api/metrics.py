"""Metrics for Prometheus: those of this process, and those of systems, read from the store at each request.

The worker is another process, and the store keeps its polls for some days. So events are gauges over the last
day, not counters, which would begin anew with each start of the app.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from dashboard.api.answers import Body
from dashboard.store_reader import reader

STATES = ("waiting", "live", "silent", "unreachable", "refused")
OPENMETRICS = "application/openmetrics-text"
PLAIN = "text/plain"


class Systems(Collector):
    """Collects the metrics of every followed system from the store."""

    def describe(self) -> list[Metric]:
        """Name no metric beforehand: there may be no store yet when the collector is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the store and give its metrics."""
        source = reader()
        systems = source.overview()
        info = InfoMetricFamily("dockcast_system", "A followed system", labels=["system"])
        state = StateSetMetricFamily("dockcast_feed_state", "How a feed is doing", labels=["system"])
        age = _gauge("counts_age_seconds", "How old a system's newest counts are, by its own clock")
        failures = _gauge("failures_in_a_row", "Polls in a row that failed")
        version = _gauge("frame_version", "The number of the newest frame: one more at every learnt poll")
        for system_id, (row, feed) in systems.items():
            labels = {"name": row.name, "city": row.city, "country": row.country, "label": row.label}
            info.add_metric([system_id], labels)
            state.add_metric([system_id], {name: feed.state == name for name in STATES})
            failures.add_metric([system_id], feed.failures)
            if feed.at is not None:
                age.add_metric([system_id], max((source.system_time(row, feed) - feed.at).total_seconds(), 0))
            if feed.frame_version is not None:
                version.add_metric([system_id], feed.frame_version)
        yield GaugeMetricFamily("dockcast_worker_up", "1 where a worker is at work", source.has_worker())
        yield from (info, state, age, failures, version)
        yield from self._health()

    def _health(self) -> Iterator[Metric]:
        source = reader()
        health = source.health([*source.overview()])
        polls = _gauge("polls_last_day", "Polls of the last day by what they came to", "outcome")
        summed = health.counts.groupby(["system_id", "outcome"], as_index=False)["n"].sum()
        for system_id, outcome, n in summed[["system_id", "outcome", "n"]].itertuples(index=False):
            polls.add_metric([system_id, outcome], n)
        took = _gauge(
            "poll_seconds", "What polls of the last day took: answer, learning, forecast",
            "part", "percentile",
        )  # fmt: skip
        for system_id, parts in health.times.items():
            for part, (median, most) in parts.items():
                name = {"seconds": "answer"}.get(part, part.removesuffix("_seconds"))
                took.add_metric([system_id, name, "50"], median)
                took.add_metric([system_id, name, "95"], most)
        pending = _gauge("forecasts_pending", "Forecasts that wait for their truth")
        for system_id, poll in health.newest.items():
            if poll.waiting is not None:
                pending.add_metric([system_id], poll.waiting)
        settled = _gauge(
            "forecasts_settled_last_day", "Forecasts of the last day of the feed's clock, judged"
        )
        expired = _gauge("forecasts_expired_last_day", "Those whose truth never came")
        for system_id, (judged, lost) in health.settled.items():
            settled.add_metric([system_id], judged)
            expired.add_metric([system_id], lost)
        yield from (polls, took, pending, settled, expired)


def _gauge(name: str, text: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dockcast_{name}", text, labels=["system", *more])


_registry = CollectorRegistry()
for _make in (ProcessCollector, PlatformCollector, GCCollector):
    _make(registry=_registry)
_registry.register(Systems())


def metrics(media_type: str) -> Body:
    """Write all metrics in the text format of Prometheus, or as OpenMetrics."""
    if media_type == OPENMETRICS:
        written: bytes = openmetrics.generate_latest(_registry)  # type: ignore[no-untyped-call]
        return Body(written, openmetrics.CONTENT_TYPE_LATEST)
    return Body(generate_latest(_registry), CONTENT_TYPE_PLAIN_0_0_4)
