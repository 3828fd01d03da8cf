"""Counters and histograms without locks, beside the client library's own."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from hark.streaming.tallies import Counts, Spread, Sum

BOUNDS = (0.01, 0.1, 1.0, 2.5)


def told(registry: CollectorRegistry) -> list[str]:
    """Without the times of creation, which the library tells as gauges of their own."""
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if "_created" not in line]


@given(st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 10))))
def test_a_spread_says_what_a_histogram_says(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("took_seconds", "How long", BOUNDS, ours)
    histogram = Histogram("took_seconds", "How long", buckets=BOUNDS, registry=theirs)
    for value in values:
        spread.observe(value)
        histogram.observe(value)
    assert told(ours) == told(theirs)


@given(st.lists(st.sampled_from(["bye", "gone", 'an "odd"\nname'])))
def test_counts_say_what_a_counter_says(values: list[str]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("ends", "How it ended", "how", ["bye"], ours)
    counter = Counter("ends", "How it ended", ["how"], registry=theirs)
    counter.labels("bye")
    for value in values:
        counts.add(value)
        counter.labels(value).inc()
    assert told(ours) == told(theirs)


@given(st.lists(st.floats(0, 1e6)))
def test_a_sum_says_what_a_counter_says(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    total = Sum("heard_seconds", "Audio", ours)
    counter = Counter("heard_seconds", "Audio", registry=theirs)
    for value in values:
        total.value += value
        counter.inc(value)
    assert told(ours) == told(theirs)
