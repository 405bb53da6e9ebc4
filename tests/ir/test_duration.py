"""Durations are read with their unit and printed readably."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.duration import MAX_DURATION_S, DurationError, format_duration, parse_duration_s


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120ms", 0.12),
        ("3us", 3e-6),
        ("4s", 4.0),
        ("1.5m", 90.0),  # 1.5 x 60
        ("2h", 7200.0),  # 2 x 3600
        (" .5 s ", 0.5),
        ("0s", 0.0),
        (0, 0.0),
        (2, 2.0),
        (0.25, 0.25),
    ],
)
def test_known_durations(value: str | float, seconds: float) -> None:
    assert parse_duration_s(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", "4", "s", "-4s", "4 seconds", "1e3s", "4s5ms", "٣s", "inf", "9" * 400 + "s"),
        *(-1, -0.1, math.inf, math.nan, 10**400, MAX_DURATION_S * 2, True, None, [], b"4s"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_short_message(value: object) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration_s(value)  # pyright: ignore[reportArgumentType]  # wrong on purpose
    assert len(str(caught.value)) < 250


@given(st.integers(0, 10**9))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    assert parse_duration_s(f"{milliseconds}ms") == milliseconds / 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.105, "105 ms"),
        (2.3149, "2.315 s"),
        (0.00012, "120 us"),
        (0.0009999, "999.9 us"),
        (0.99999, "1 s"),
        (0.0009999999, "1 ms"),
        (1234.5, "1234 s"),
        (9999, "9999 s"),
        (36000, "10 h"),  # 36,000 / 3,600
        (5_000_000, "1389 h"),  # 5,000,000 / 3,600 = 1388.9
        (-0.05, "-50 ms"),
        (math.inf, "inf s"),
    ],
)
def test_printed_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(1e-6, MAX_DURATION_S / 2))
def test_printed_durations_are_close_and_never_in_exponents(seconds: float) -> None:
    text = format_duration(seconds)
    assert "e" not in text
    assert parse_duration_s(text) == pytest.approx(seconds, rel=1e-3)  # four digits: at most half of 1 in 1,000
