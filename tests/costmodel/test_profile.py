from pathlib import Path

import pytest

from costmodel.errors import ProfileError
from costmodel.profile import MAX_BYTES, Profile, load_profile

HEADER = "task,device,tp,latency_s,latency_sd_s,cost_usd,tokens_in,tokens_out,source\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "profile.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_found_by_task_device_and_degree(tmp_path: Path) -> None:
    profile = load_profile(
        written(
            tmp_path,
            HEADER
            + "answer.prefill,h100,1,0.08,0.01,0.08,1000,,bench\n"
            + "answer.prefill,h100,2,0.05,,,1000,,bench\n"
            + "answer.kv_transfer,hp->co,1,0.01,,0.005,,,bench\n",
        )
    )
    row = profile.row("answer.prefill", "h100", 2)
    assert row is not None
    assert (row.latency_s, row.latency_sd_s, row.cost_usd, row.tokens_in, row.tokens_out) == (
        0.05,
        None,
        None,
        1000,
        None,
    )
    assert [each.tp for each in profile.rows("answer.prefill")] == [1, 2]
    assert profile.row("answer.kv_transfer", "hp->co") is not None
    assert profile.row("answer.prefill", "h100", 4) is None
    assert profile.has_device("h100")
    assert not profile.has_device("hp")


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = written(
        tmp_path, "source,tokens_out,tokens_in,cost_usd,latency_sd_s,latency_s,tp,device,task\nus,,,,,1,1,d,t\n"
    )
    assert load_profile(path).row("t", "d") is not None


def test_an_empty_profile_has_no_rows() -> None:
    assert Profile().rows("anything") == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("t,d,1,-0.1,,,,,us", "profile.csv:2: latency_s must be a finite number of at least 0, got '-0.1'"),
        ("t,d,1,0.1,-1,,,,us", "latency_sd_s must be"),
        ("t,d,1,0.1,,-5,,,us", "cost_usd must be"),
        ("t,d,1,0.1,,,-1,,us", "tokens_in must be"),
        ("t,d,1,nan,,,,,us", "latency_s must be"),
        ("t,d,1,fast,,,,,us", "latency_s must be .* got 'fast'"),
        ("t,d,1,,,,,,us", "latency_s is empty"),
        ("t,d,1,0.1,,,,,", "source is empty"),
        (",d,1,0.1,,,,,us", "task is empty"),
        ("t,d,0,0.1,,,,,us", "tp must be a whole number of at least 1, got '0'"),
        ("t,d,1.5,0.1,,,,,us", "tp must be a whole number"),
        ("t,d,,0.1,,,,,us", "tp must be a whole number of at least 1, got ''"),
        ("t,d,1,0.1,us", "a row has 9 cells"),
        ("t,d,1,0.1,,,,,us,more", "a row has 9 cells"),
        ("t,d,1,0.1,,,,,us\nt,d,1,0.2,,,,,us", "profile.csv:3: t on d with tp=1 was already given in line 2"),
        ('t,"d,1', "not a CSV line"),
    ],
)
def test_a_malformed_row_is_an_error_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        load_profile(written(tmp_path, HEADER + row + "\n"))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "missing column task"),
        ("task,device,tp,latency_s,latency_sd_s,cost_usd,tokens_in,source", "missing column tokens_out"),
        (HEADER.replace("latency_s,", "latency_ms,").strip(), "unknown column 'latency_ms'; did you mean 'latency_s'"),
        (HEADER.strip() + ",task", "named twice"),
    ],
)
def test_a_malformed_header_is_an_error(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        load_profile(written(tmp_path, header + "\n"))


def test_an_unreadable_profile_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "absent.csv")
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path)
    (tmp_path / "profile.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile(tmp_path / "profile.csv")


def test_a_huge_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="at most"):
        load_profile(written(tmp_path, "x" * (MAX_BYTES + 1)))
