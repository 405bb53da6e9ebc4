"""An SLA names a statistic and a limit, in three spellings."""

import pytest

from ir.sla import STATS, Sla, SlaError, parse_sla


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("p95=4s", Sla("p95", 4.0)),
        ("mean = 120ms", Sla("mean", 0.12)),
        ("4s", Sla("worst", 4.0)),
        (0.5, Sla("worst", 0.5)),
        ({"p99": "2s"}, Sla("p99", 2.0)),
        ({"worst": 3}, Sla("worst", 3.0)),
    ],
)
def test_spellings(value: object, expected: Sla) -> None:
    assert parse_sla(value) == expected  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("stat", STATS)
def test_every_statistic_is_read_back_from_its_own_text(stat: str) -> None:
    assert parse_sla(f"{stat}=250ms").stat == stat


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("p42=4s", "p42"),
        ("=4s", "''"),
        ("p95=", "p95"),
        ("p95=0s", "positive"),
        ("p95=-1s", "-1s"),
        ("p95=4s=5s", "4s=5s"),
        ("soon", "soon"),
        (0, "positive"),
        (-1, "-1"),
        (float("nan"), "nan"),
        ({}, "exactly one"),
        ({"p95": "4s", "mean": "1s"}, "exactly one"),
        ({"p95": None}, "p95"),
        ({3: "4s"}, "3"),
        (None, "None"),
        (True, "True"),
        ([], "[]"),
    ],
)
def test_what_is_no_sla_is_refused_by_name(value: object, named: str) -> None:
    with pytest.raises(SlaError, match=r".") as caught:
        parse_sla(value)  # pyright: ignore[reportArgumentType]  # wrong on purpose
    assert named in str(caught.value)


def test_text_for_people() -> None:
    assert str(Sla("p95", 4.0)) == "p95 <= 4 s"
