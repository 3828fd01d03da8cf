"""The programs in docs/dialects for OpenAI's SDK, as they stand there."""

import pytest

from common import SAMPLES, printed_by_page


@pytest.mark.parametrize(
    ("page", "place"), [("openai-realtime", 0), ("openai-rest", 0), ("openai-rest", 1)]
)
def test_the_program_prints_what_was_said(page: str, place: int) -> None:
    assert SAMPLES["alarm"].text in printed_by_page(page, place).splitlines()[-1]
