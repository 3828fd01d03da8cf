"""The English demo grammar: its sentence templates by group.

``{slot}`` in a template is filled from ``training.words_en`` or by a rule of ``training.rules``.
The groups of ``TEMPLATES`` are drawn evenly, so their number sets the mix of the domain.
"""

from __future__ import annotations

from training.language import grammar_en_chat, grammar_en_daily, grammar_en_talks

TEMPLATES: dict[str, tuple[str, ...]] = {
    **grammar_en_daily.TEMPLATES,
    **grammar_en_chat.TEMPLATES,
    **grammar_en_talks.TEMPLATES,
}
