"""Every counter, gauge and histogram the server has, declared in one place; measures nothing."""

from collections.abc import Callable, Iterable
from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hark.engine.types import EngineLoad, WorkCounters

from . import events
from .admission import Load
from .bridge import EnginePort

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_STEP_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12)


class Metrics:
    """One server's metrics on a registry of their own.

    `read_port` gives the engine, or None while there is none; `read_load` what the server carries.
    """

    def __init__(
        self, read_port: Callable[[], EnginePort | None], read_load: Callable[[], Load]
    ) -> None:
        self.registry = CollectorRegistry()
        self.streams = Gauge("hark_streams", "Streams open now", registry=self.registry)
        self.sessions = Counter(
            "hark_sessions",
            "Connections and files that ended, by how: bye, gone, or an error code",
            ["outcome"],
            registry=self.registry,
        )
        # Added to with every message, on the event loop alone: a Counter's lock is a tenth of that.
        self.audio_seconds = 0.0
        self.events = Counter(
            "hark_events", "Events of streams, by type", ["type"], registry=self.registry
        )
        self._events_of = {name: self.events.labels(name) for name in events.EVENT_TYPES}
        self.errors = Counter(
            "hark_errors", "Errors told, by code", ["code"], registry=self.registry
        )
        self.queue_seconds = Histogram(
            "hark_step_queue_seconds",
            "Time a step waited for its turn",
            buckets=_STEP_SECONDS,
            registry=self.registry,
        )
        self.compute_seconds = Histogram(
            "hark_step_compute_seconds",
            "Time a step took",
            buckets=_STEP_SECONDS,
            registry=self.registry,
        )
        self.finalize_seconds = Histogram(
            "hark_finalize_seconds",
            "From a finalize to its finalized",
            buckets=_STEP_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_AudioCollector(self))
        self.registry.register(_EngineCollector(read_port, read_load))

    def count_said(self, event: events.Event) -> None:
        """Count an event of a stream."""
        self._events_of[event.type].inc()
        if isinstance(event, events.Error):
            self.errors.labels(event.code).inc()
        if isinstance(event, events.Partial | events.Final):
            self.queue_seconds.observe(event.queue_ms / 1000)
            self.compute_seconds.observe(event.compute_ms / 1000)

    def render(self) -> bytes:
        """All of it in Prometheus' text form."""
        return generate_latest(self.registry)


class _AudioCollector(Collector):
    """Reads how much audio came when it is asked for."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "hark_audio_seconds",
            "Audio received; opus and container by their nominal rates",
            value=self._metrics.audio_seconds,
        )


class _EngineCollector(Collector):
    """Reads the engine's work counters and its load when they are asked for."""

    def __init__(
        self, read_port: Callable[[], EnginePort | None], read_load: Callable[[], Load]
    ) -> None:
        self._read_port, self._read_load = read_port, read_load

    def collect(self) -> Iterable[Metric]:
        port = self._read_port()
        work, load = (WorkCounters(), EngineLoad()) if port is None else (port.counters, port.load)
        family = CounterMetricFamily(
            "hark_engine_work", "What the engine computed", labels=["kind"]
        )
        for field in fields(WorkCounters):
            family.add_metric([field.name], getattr(work, field.name))
        yield family
        yield GaugeMetricFamily(
            "hark_engine_busy_ratio",
            "Share of the last seconds the engine worked for live streams",
            value=load.busy_ratio,
        )
        yield GaugeMetricFamily(
            "hark_step_lateness_seconds",
            "How late nine in ten steps of the last seconds began at most",
            value=load.lateness_s,
        )
        yield GaugeMetricFamily(
            "hark_cadence_stretch", "What every cadence is multiplied by", value=load.stretch
        )
        yield GaugeMetricFamily(
            "hark_headroom_streams",
            "Streams that would be let in now",
            value=self._read_load().headroom,
        )
