"""Metrics for Prometheus: those of this process, and those of systems, read from the store at each request.

The worker is another process, and the store keeps its polls for some days. So events of the last day are
gauges. Counters are those that the store itself has: polls ever learnt, and bytes ever logged. The worker
serves its own at an address of its own: see `ingest.worker.counters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from dashboard.api.answers import Body
from dashboard.api.skill import Skills
from dashboard.store_reader import reader
from ingest import release

STATES = ("waiting", "live", "silent", "unreachable", "refused")
OPENMETRICS = "application/openmetrics-text"
PLAIN = "text/plain"


class Systems(Collector):
    """Collects the metrics of every followed system from the store."""

    def __init__(self) -> None:
        self._skills = Skills()

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
        learnt = CounterMetricFamily("dockcast_polls_learnt", "Polls ever learnt", labels=["system"])
        last = _gauge("last_learnt_timestamp_seconds", "When a system's newest counts were received")
        for system_id, (row, feed) in systems.items():
            labels = {"name": row.name, "city": row.city, "country": row.country, "label": row.label}
            info.add_metric([system_id], labels)
            state.add_metric([system_id], {name: feed.state == name for name in STATES})
            failures.add_metric([system_id], feed.failures)
            if feed.at is not None:
                age.add_metric([system_id], max((source.system_time(row, feed) - feed.at).total_seconds(), 0))
            if feed.frame_version is not None:
                version.add_metric([system_id], feed.frame_version)
                learnt.add_metric([system_id], feed.frame_version)
            if feed.received_at is not None:
                last.add_metric([system_id], feed.received_at.timestamp())
        yield GaugeMetricFamily("dockcast_worker_up", "1 where a worker is at work", source.has_worker())
        wrong = source.store.findings.list_fault_since() is not None
        yield GaugeMetricFamily("dockcast_list_wrong", "1 where the list of systems is wrong", wrong)
        yield from (info, state, age, failures, version, learnt, last)
        yield from self._health()
        yield from self._learning()
        yield from self._store()
        build = InfoMetricFamily("dockcast_build", "The release that this app is of")
        build.add_metric([], {"version": release.version(), "commit": release.commit()})
        yield build

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

    def _learning(self) -> Iterator[Metric]:
        """Tell whether each system learns, and whether that is any good."""
        source = reader()
        systems = source.overview()
        skill = _gauge("skill", "Share of naive's CRPS that the forecast saved in the last week", "minutes")
        least = _gauge("skill_least", "The least that the skill may be, but for 5 % of luck", "minutes")
        most = _gauge("skill_most", "The most that the skill may be, but for 5 % of luck", "minutes")
        newest = {system_id: feed.at for system_id, (_, feed) in systems.items() if feed.at is not None}
        for system_id, minutes, found in self._skills.of(source.store.scores, newest):
            labels = [system_id, str(minutes)]
            skill.add_metric(labels, found.middle)
            if found.is_bounded:
                least.add_metric(labels, found.least)
                most.add_metric(labels, found.most)
        operation, now = source.store.operation, source.clock()
        behind = _gauge("checkpoint_age_seconds", "How much of its log a restart would learn again")
        for system_id, age in operation.behind_checkpoints().items():
            if system_id in systems:
                behind.add_metric([system_id], age.total_seconds())
        lease = InfoMetricFamily("dockcast_lease", "The worker that learns a system", labels=["system"])
        holders = operation.holders(now)
        for system_id, holder in holders.items():
            lease.add_metric([system_id], {"holder": holder})
        yield from (skill, least, most, behind, lease)
        yield from self._shares(holders, now)

    def _shares(self, holders: Mapping[str, str], now: datetime) -> Iterator[Metric]:
        """Tell what each worker learns, by the holder of each system; 0 for one that is idle."""
        store = reader().store
        sizes = store.systems.sizes()
        held: dict[str, list[int]] = {holder: [] for holder in store.workers.live(now)}
        for system_id, holder in holders.items():
            held.setdefault(holder, []).append(sizes.get(system_id, 0))
        systems = GaugeMetricFamily(
            "dockcast_worker_systems", "Systems that a worker learns", labels=["holder"]
        )
        stations = GaugeMetricFamily("dockcast_worker_stations", "Their stations", labels=["holder"])
        for holder, each in held.items():
            systems.add_metric([holder], len(each))
            stations.add_metric([holder], sum(each))
        yield from (systems, stations)

    def _store(self) -> Iterator[Metric]:
        """Measure the store, where it is of a kind that says it."""
        size = reader().store.operation.size()
        if size is None:
            return
        yield GaugeMetricFamily("dockcast_store_bytes", "Bytes of the store", size.total)
        if size.free is None:
            text = "Bytes of write-ahead log that the database server has ever written"
            yield CounterMetricFamily("dockcast_store_log_bytes", text, size.log)
        else:
            yield GaugeMetricFamily("dockcast_store_log_file_bytes", "Bytes of SQLite's log", size.log)
            yield GaugeMetricFamily("dockcast_store_free_bytes", "Bytes left on the store's disk", size.free)


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
