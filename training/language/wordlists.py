"""Readable spellings of constant word lists."""

from __future__ import annotations


def words(block: str) -> list[str]:
    """Words separated by white space."""
    return block.split()


def items(block: str) -> tuple[str, ...]:
    """Phrases separated by "|"; line breaks count as spaces."""
    return tuple(item.strip() for item in block.replace("\n", " ").split("|") if item.strip())


def lines(block: str) -> tuple[str, ...]:
    """One entry per line."""
    return tuple(line.strip() for line in block.strip().splitlines())
