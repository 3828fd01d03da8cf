"""How far the aligner's word times are from those of the synthesisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from training.evaluation import align_eval, scoring, testsets
from training.evaluation.exam import Exam


def aligner(exam: Exam) -> dict:
    """The accumulated average shift of starts and ends on unseen sentences of trained voices."""
    folder = exam.inputs.aligner
    assert folder is not None
    model, collator = align_eval.load(folder)
    families = testsets.stock(exam.rng("voices"), exam.sizes.voice_draws)
    words = exam.sizes.family_words // 2 + 1
    clips, groups = testsets.family_sets(exam.engines, exam.rng("aligner"), families, words)
    shifts = [align_eval.average_shifts(model, collator, [clip])["all"] for clip in clips]
    totals, times = [s.total_ms for s in shifts], [s.times for s in shifts]
    return {
        "rows": {
            name: _row([totals[i] for i in chosen], [times[i] for i in chosen])
            for name, chosen in groups.items()
        },
        "bytes in all": sum(path.stat().st_size for path in folder.iterdir()),
    }


def _row(totals: Sequence[float], times: Sequence[int]) -> dict:
    """Mean over starts and ends; a word has both."""
    return {"shift ms": asdict(scoring.mean(totals, times)), "words": sum(times) // 2}
