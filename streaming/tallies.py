"""Prometheus metrics that take no lock: for what the event loop alone counts, with every message.

The client library's own take one for each value they touch, and a histogram touches several: a
tenth of what a partial costs the server.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counts(Collector):
    """A counter for each value of one label; those of `values` are told from the start."""

    def __init__(
        self, name: str, help: str, label: str, values: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self._name, self._help, self._label = name, help, label
        self._counts = dict.fromkeys(values, 0)
        registry.register(self)

    def add(self, value: str) -> None:
        self._counts[value] = self._counts.get(value, 0) + 1

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._help, labels=[self._label])
        for value, count in self._counts.items():
            family.add_metric([value], count)
        yield family


class Sum(Collector):
    """A counter that is added to."""

    def __init__(self, name: str, help: str, registry: CollectorRegistry) -> None:
        self._name, self._help = name, help
        self.value = 0.0
        registry.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._help, value=self.value)


class Spread(Collector):
    """A histogram; `bounds` are the upper ones of its buckets, ascending."""

    def __init__(
        self, name: str, help: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._help, self._bounds = name, help, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterable[HistogramMetricFamily]:
        edges = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = list(zip(edges, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=self._sum)
