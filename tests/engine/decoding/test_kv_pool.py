"""The page ledger: whatever is opened, grown, cut and released, no page is lost or held twice."""

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hark.engine.config import DecoderConfig
from hark.engine.decoding.kv_pool import KVLedger, KVPool, Lease
from hark.engine.types import ConfigError

HEADS = (tuple(range(3)), tuple(range(4)), tuple(range(10)), tuple(range(50, 59)))
PAGE_TOKENS, NUM_PAGES = 4, 9


class LedgerMachine(RuleBasedStateMachine):
    """Segments come and go, some with a common head, as sequences treat their leases."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = KVLedger(num_pages=NUM_PAGES, page_tokens=PAGE_TOKENS)
        self.leases: dict[Lease, tuple[int, ...]] = {}

    def pick(self, which: int) -> Lease | None:
        return list(self.leases)[which % len(self.leases)] if self.leases else None

    @rule(head=st.sampled_from(HEADS))
    def open(self, head: tuple[int, ...]) -> None:
        lease = self.ledger.open(head)
        assert lease.num_tokens in (0, len(head) // PAGE_TOKENS * PAGE_TOKENS)
        self.leases[lease] = head

    @rule(which=st.integers(0, 99), more=st.integers(1, 20))
    def grow(self, which: int, more: int) -> None:
        if (lease := self.pick(which)) is None:
            return
        wanted = max(lease.num_tokens, len(self.leases[lease])) + more
        before, free = list(lease.pages), self.ledger.num_free
        missing = self.ledger.pages_missing(lease, wanted)
        if self.ledger.grow(lease, wanted):
            lease.num_tokens = wanted
            assert lease.pages[: len(before)] == before
            assert self.ledger.num_free == free - missing
            self.ledger.share(lease, self.leases[lease])
        else:
            assert missing > free
            assert lease.pages == before
            assert self.ledger.num_free == free

    @rule(which=st.integers(0, 99), share=st.floats(0, 1))
    def truncate(self, which: int, share: float) -> None:
        lease = self.pick(which)
        if lease is None or lease.num_tokens < len(self.leases[lease]):
            return
        head = len(self.leases[lease])
        self.ledger.truncate(lease, head + int(share * (lease.num_tokens - head)))
        assert len(lease.pages) == -(-lease.num_tokens // PAGE_TOKENS)

    @rule(which=st.integers(0, 99))
    def release(self, which: int) -> None:
        if (lease := self.pick(which)) is not None:
            del self.leases[lease]
            self.ledger.release(lease)

    @invariant()
    def audited(self) -> None:
        self.ledger.audit()
        held = {page for lease in self.leases for page in lease.pages}
        assert len(held) + self.ledger.num_free == NUM_PAGES
        assert self.ledger.num_leases == len(self.leases)

    @invariant()
    def what_may_be_written_is_held_once(self) -> None:
        """Pages behind the head's last full one, where a lease writes, are in no other lease."""
        own = [
            page
            for lease, head in self.leases.items()
            for page in lease.pages[len(head) // PAGE_TOKENS :]
        ]
        assert len(own) == len(set(own))


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=60, deadline=None)


def test_the_pages_of_a_head_are_filled_once() -> None:
    ledger = KVLedger(num_pages=8, page_tokens=4)
    head = tuple(range(10))  # two full pages, and two tokens of a third
    first = ledger.open(head)
    ledger.grow(first, 13)
    first.num_tokens = 13
    ledger.share(first, head)
    second = ledger.open(head)
    assert (second.num_tokens, second.pages) == (8, first.pages[:2])
    assert ledger.open((1, 2)).num_tokens == 0, "another head"
    assert ledger.grow(second, 12)
    assert second.pages[2] != first.pages[2], "what is behind the full pages is written by each"
    ledger.release(first)
    ledger.release(second)
    assert ledger.num_free == 8, "what nobody uses may be had"
    assert ledger.open(head).num_tokens == 8, "and is kept until it is wanted"


def test_a_kept_head_gives_way() -> None:
    ledger = KVLedger(num_pages=3, page_tokens=4)
    head = tuple(range(8))
    lease = ledger.open(head)
    ledger.grow(lease, 8)
    lease.num_tokens = 8
    ledger.share(lease, head)
    other = ledger.open()
    assert not ledger.grow(other, 8), "in use"
    ledger.release(lease)
    assert ledger.grow(other, 8)
    assert ledger.open(head).num_tokens == 0
    ledger.audit()


def test_a_shared_page_is_never_cut() -> None:
    ledger = KVLedger(num_pages=3, page_tokens=4)
    lease = ledger.open((1, 2, 3, 4))
    ledger.grow(lease, 6)
    lease.num_tokens = 6
    ledger.share(lease, (1, 2, 3, 4))
    with pytest.raises(AssertionError):
        ledger.truncate(lease, 3)


@pytest.mark.parametrize("lose", ["a page", "a holder", "a free page"])
def test_the_audit_finds(lose: str) -> None:
    ledger = KVLedger(num_pages=3, page_tokens=4)
    lease = ledger.open()
    ledger.grow(lease, 6)
    match lose:
        case "a page":
            lease.pages.pop()
        case "a holder":
            ledger._holders[lease.pages[0]] = 2
        case _:
            ledger._free.pop()
    with pytest.raises(AssertionError):
        ledger.audit()


def test_no_room_for_a_page() -> None:
    with pytest.raises(ConfigError, match="no room"):
        KVLedger(num_pages=0, page_tokens=4)


@pytest.mark.parametrize("page_tokens", [4, 64])
def test_every_token_has_a_slot_of_its_own_in_its_page(page_tokens: int) -> None:
    config = DecoderConfig(8, 2, 2, 1, 4, 8, 10, 1e4, 1e-6, 64, True)
    ledger = KVLedger(num_pages=128 // page_tokens, page_tokens=page_tokens)
    pool = KVPool(config, ledger, dtype=torch.float32, device=torch.device("cpu"))
    leases = [ledger.open(), ledger.open()]
    taken: set[int] = set()
    for _ in range(3):  # leases grow in turns, so that their pages interleave
        for lease in leases:
            assert ledger.grow(lease, lease.num_tokens + 5)
            slots = pool.slots(lease, lease.num_tokens, lease.num_tokens + 5).tolist()
            pages = [
                lease.pages[t // page_tokens] for t in range(lease.num_tokens, lease.num_tokens + 5)
            ]
            assert [slot // page_tokens for slot in slots] == pages
            assert taken.isdisjoint(slots)
            taken.update(slots)
            lease.num_tokens += 5
    assert max(taken) < pool.scratch_page * page_tokens < pool.keys.shape[1]
