"""Every counter, gauge and histogram the server has, declared in one place; measures nothing."""

from collections.abc import Callable, Iterable
from dataclasses import fields

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hark.engine.types import EngineLoad, WorkCounters

from . import events
from .admission import Load
from .bridge import EnginePort
from .tallies import Counts, Spread, Sum

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
        self.sessions = Counts(
            "hark_sessions",
            "Connections and files that ended, by how: bye, gone, or an error code",
            "outcome",
            (),
            self.registry,
        )
        self.audio_seconds = Sum(
            "hark_audio_seconds",
            "Audio received; opus and container by their nominal rates",
            self.registry,
        )
        self._events = Counts(
            "hark_events", "Events of streams, by type", "type", events.EVENT_TYPES, self.registry
        )
        self._errors = Counts("hark_errors", "Errors told, by code", "code", (), self.registry)
        self._queue_seconds = self._seconds("hark_step_queue", "Time a step waited for its turn")
        self._compute_seconds = self._seconds("hark_step_compute", "Time a step took")
        self.finalize_seconds = self._seconds("hark_finalize", "From a finalize to its finalized")
        self.registry.register(_EngineCollector(read_port, read_load))

    def count_said(self, event: events.Event) -> None:
        """Count an event of a stream."""
        self._events.add(event.type)
        if isinstance(event, events.Error):
            self._errors.add(event.code)
        if isinstance(event, events.Partial | events.Final):
            self._queue_seconds.observe(event.queue_ms / 1000)
            self._compute_seconds.observe(event.compute_ms / 1000)

    def _seconds(self, name: str, help: str) -> Spread:
        return Spread(f"{name}_seconds", help, _STEP_SECONDS, self.registry)

    def render(self) -> bytes:
        """All of it in Prometheus' text form."""
        return generate_latest(self.registry)


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
            "hark_engine_silence_seconds",
            "How long ago the engine last began a round of work",
            value=load.silent_s,
        )
        yield GaugeMetricFamily(
            "hark_cadence_stretch", "What every cadence is multiplied by", value=load.stretch
        )
        yield GaugeMetricFamily(
            "hark_headroom_streams",
            "Streams that would be let in now",
            value=self._read_load().headroom,
        )
