import pytest

from costmodel.names import candidates, nearest, resolve

IDS = ("a100_40_sxm", "a100_80_sxm", "h100_sxm", "gaudi3", "gaudi3_pcie")


def test_an_exact_id_wins_over_the_ids_it_begins() -> None:
    assert resolve("gaudi3", IDS) == "gaudi3"


def test_an_alias_is_the_beginning_of_one_id() -> None:
    assert resolve("h100", IDS) == "h100_sxm"


def test_an_ambiguous_alias_lists_its_candidates() -> None:
    with pytest.raises(LookupError, match="a100_40_sxm, a100_80_sxm"):
        resolve("a100", IDS)


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(LookupError, match="did you mean 'h100_sxm'"):
        resolve("h10_sxm", IDS)


def test_a_name_like_nothing_gets_the_whole_list() -> None:
    assert nearest("zzz", IDS) == "known: a100_40_sxm, a100_80_sxm, gaudi3, gaudi3_pcie, h100_sxm"


def test_an_empty_name_is_the_beginning_of_nothing() -> None:
    assert candidates("", IDS) == ()
