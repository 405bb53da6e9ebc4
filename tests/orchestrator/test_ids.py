"""Identifiers sort by time, keep to their alphabet and refuse what they cannot hold."""

import re

import pytest

from orchestrator.ids import new_id, ulid


def test_an_identifier_has_its_prefix_and_26_characters() -> None:
    assert re.fullmatch(r"run_[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id("run"))


def test_the_time_stands_before_the_random_bits() -> None:
    # 1 ms = bit 80; place 16 from the right holds bits 80..84, so the 10th character is 1 and all others 0.
    assert ulid(1, 0) == "0" * 9 + "1" + "0" * 16
    assert ulid(0, 33) == "0" * 24 + "11"
    assert ulid(2**48 - 1, 2**80 - 1) == "7" + "Z" * 25


def test_later_identifiers_sort_after_earlier_ones() -> None:
    assert ulid(1_700_000_000_000, 2**80 - 1) < ulid(1_700_000_000_001, 0)


@pytest.mark.parametrize(("time_ms", "random"), [(-1, 0), (2**48, 0), (0, -1), (0, 2**80)])
def test_what_does_not_fit_is_refused(time_ms: int, random: int) -> None:
    with pytest.raises(ValueError, match="a ULID holds"):
        ulid(time_ms, random)


def test_identifiers_differ() -> None:
    assert len({new_id("plan") for _ in range(1000)}) == 1000
