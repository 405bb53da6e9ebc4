"""Many reasons against many pools, told as a few.

A rule that forbids an operator everywhere gives a reason for each pool, and most of them differ in a number only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_AMOUNT = re.compile(r"\d[\d.,]*(?: (?:us|ms|s|GB))?(?!\w)")
"""A number with its unit, where it is no part of a name."""


def grouped_reasons(rejected: Iterable[str]) -> Iterator[str]:
    """Of reasons `POOL: REASON` one of each kind, and how many pools have one that differs in its numbers only."""
    kinds: dict[str, list[str]] = {}
    for text in dict.fromkeys(rejected):
        kinds.setdefault(_AMOUNT.sub("#", text.partition(": ")[2]), []).append(text)
    for texts in kinds.values():
        yield texts[0] if len(texts) == 1 else f"{len(texts)} pools such as {texts[0]}"
