"""The programs in docs/dialects for Deepgram's SDK, as they stand there."""

import pytest

from common import SAMPLES, printed_by_page


@pytest.mark.parametrize(("page", "place"), [("deepgram", 0), ("deepgram-prerecorded", 0)])
def test_the_program_prints_what_was_said(page: str, place: int) -> None:
    assert SAMPLES["alarm"].text in printed_by_page(page, place).splitlines()[-1]
