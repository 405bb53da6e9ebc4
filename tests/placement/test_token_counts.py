import math
from pathlib import Path

import pytest

from placement.load import LoadError
from placement.token_counts import of_cv, of_p95, of_trace


def test_no_spread_is_the_mean() -> None:
    count = of_cv(200, 0.0, "stated")
    assert (count.mean, count.cv, count.p95) == (200, 0.0, 200)


def test_the_percentile_of_a_lognormal() -> None:
    # cv 1: sigma^2 = ln 2 = 0.693147, sigma = 0.832555; p95 = 100 exp(1.644854 x 0.832555 - 0.346574) = 100 x 2.78111
    assert of_cv(100, 1.0, "stated").p95 == pytest.approx(278.11, rel=1e-4)


@pytest.mark.parametrize("cv", [0.0, 0.1, 0.5, 1.0, 2.0])
def test_a_percentile_gives_the_deviation_back(cv: float) -> None:
    assert of_p95(50, of_cv(50, cv, "").p95, "").cv == pytest.approx(cv, abs=1e-9)


@pytest.mark.parametrize("p95", [99.0, 100 * math.exp(1.6448536269514722**2 / 2) + 1])
def test_a_percentile_that_no_lognormal_has(p95: float) -> None:
    with pytest.raises(LoadError, match=r"p95 of .* tokens with a mean of 100: .* give cv"):
        of_p95(100, p95, "stated")


def test_a_trace_gives_what_its_rows_say(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    rows = "".join(f"{t},{100 if t < 15 else 300},{10 * (t + 1)}\n" for t in range(20))
    path.write_text(f"t_s,in_tokens,out_tokens\n{rows}")
    tokens_in, tokens_out = of_trace(path)
    # in: 15 of 100 and 5 of 300: mean 150, variance (15 x 50^2 + 5 x 150^2) / 20 = 7500, cv = 86.6025 / 150
    assert tokens_in.mean == 150
    assert tokens_in.cv == pytest.approx(math.sqrt(7500) / 150)
    # out: 10, 20, .. 200: 19 of 20 calls have at most 190
    assert (tokens_out.mean, tokens_out.p95) == (105, 190)
    assert tokens_out.basis == "20 calls of trace.csv"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("t_s,in_tokens\n0,1\n", "missing column out_tokens"),
        ("t_s,in_tokens,out_tokens\n", "at least one row"),
        ("t_s,in_tokens,out_tokens\n0,x,1\n", "got 'x'"),
        ("t_s,in_tokens,out_tokens\n0,0,1\n", "all calls have 0 tokens"),
    ],
)
def test_a_trace_that_cannot_be_used(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(LoadError, match=why):
        of_trace(path)


def test_an_absent_trace(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="the trace cannot be read"):
        of_trace(tmp_path / "absent.csv")
