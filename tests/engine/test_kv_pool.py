"""The page ledger: whatever is opened, grown, cut and released, no page is lost or held twice."""

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hark.engine.config import DecoderConfig
from hark.engine.kv_pool import KVLedger, KVPool, Lease
from hark.engine.types import ConfigError


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ledger = KVLedger(num_pages=9, page_tokens=4)
        self.leases: list[Lease] = []

    @rule()
    def open(self) -> None:
        self.leases.append(self.ledger.open())

    @rule(which=st.integers(0, 99), more=st.integers(1, 20))
    def grow(self, which: int, more: int) -> None:
        if not self.leases:
            return
        lease = self.leases[which % len(self.leases)]
        wanted = lease.num_tokens + more
        before, free = list(lease.pages), self.ledger.num_free
        missing = self.ledger.pages_missing(lease, wanted)
        if self.ledger.grow(lease, wanted):
            lease.num_tokens = wanted
            assert lease.pages[: len(before)] == before
        else:
            assert missing > free
            assert lease.pages == before

    @rule(which=st.integers(0, 99), share=st.floats(0, 1))
    def truncate(self, which: int, share: float) -> None:
        if self.leases:
            lease = self.leases[which % len(self.leases)]
            self.ledger.truncate(lease, int(share * lease.num_tokens))
            assert len(lease.pages) == -(-lease.num_tokens // 4)

    @rule(which=st.integers(0, 99))
    def release(self, which: int) -> None:
        if self.leases:
            self.ledger.release(self.leases.pop(which % len(self.leases)))

    @invariant()
    def audited(self) -> None:
        self.ledger.audit()
        held = sum(len(lease.pages) for lease in self.leases)
        assert held + self.ledger.num_free == 9


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, deadline=None)


def test_the_audit_finds_a_lost_page() -> None:
    ledger = KVLedger(num_pages=3, page_tokens=4)
    lease = ledger.open()
    ledger.grow(lease, 6)
    lease.pages.pop()
    with pytest.raises(AssertionError):
        ledger.audit()


def test_no_room_for_a_page() -> None:
    with pytest.raises(ConfigError, match="no room"):
        KVLedger(num_pages=0, page_tokens=4)


@pytest.mark.parametrize("page_tokens", [4, 64])
def test_what_is_written_is_read_in_order(page_tokens: int) -> None:
    config = DecoderConfig(8, 2, 2, 1, 4, 8, 10, 1e4, 1e-6, 64, True)
    ledger = KVLedger(num_pages=64 // page_tokens, page_tokens=page_tokens)
    pool = KVPool(config, ledger, dtype=torch.float32, device=torch.device("cpu"))
    pool.keys.fill_(torch.nan)  # a slot that is read before it is written shows
    leases = [ledger.open(), ledger.open()] if page_tokens == 4 else [ledger.open()]
    for step in range(3):  # leases grow in turns, so that their pages interleave
        for number, lease in enumerate(leases):
            assert ledger.grow(lease, lease.num_tokens + 5)
            slots = pool.slots(lease, lease.num_tokens, lease.num_tokens + 5)
            pool.keys[1][slots] = torch.full((5, 1, 4), 100.0 * number + step)
            lease.num_tokens += 5
    for number, lease in enumerate(leases):
        keys, _ = pool.view(lease, 15).read(1)
        expected = [100.0 * number + step for step in range(3) for _ in range(5)]
        assert keys[:, 0, 0].tolist() == expected
