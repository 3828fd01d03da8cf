"""The program in docs/dialects for DashScope's SDK, as it stands there."""

from common import SAMPLES, printed_by_page


def test_the_program_prints_what_was_said() -> None:
    assert printed_by_page("dashscope").splitlines()[-1] == SAMPLES["alarm"].text
