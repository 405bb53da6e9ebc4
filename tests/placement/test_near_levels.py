"""Ids of levels near one."""

import pytest

from placement.levels import CAPS
from placement.near_levels import near


def test_caps_slots_degrees_and_phases_vary() -> None:
    found = set(near("gaudi3/llama3.1-8b/tp2/fp16/decode/b8/u0.5"))
    pools = {level.rpartition("/u")[0] for level in found}
    assert pools == {
        f"gaudi3/llama3.1-8b/tp{tp}/fp16/{phase}/b{slots}"
        for tp in (1, 2, 4)
        for phase in ("decode", "serve")
        for slots in (4, 8, 16)
    }
    assert len(found) == len(pools) * len(CAPS)


def test_serving_may_come_apart() -> None:
    found = set(near("a40/llama3.1-8b/tp1/fp16/serve/b1/u0.7"))
    assert "a40/llama3.1-8b/tp1/fp16/prefill/u0.5" in found
    assert "a40/llama3.1-8b/tp2/fp16/decode/b2/u0.9" in found
    assert not any("/b0/" in level or "/tp0/" in level for level in found)


@pytest.mark.parametrize(
    "level",
    [
        "h100_sxm/llama3.1-8b/tp1/fp16/prefill/u0.5",
        "h100_sxm/llama3.1-8b/tp1/fp16/serve/b16/u0.7/acme",
        "a40/kokoro-82m+whisper-large-v3/tp1/fp16/pack/u0.7",
        "xeon_8480p/functions/u0.5",
        "an id of another form",
    ],
)
def test_the_level_itself_is_near_and_tenants_stay(level: str) -> None:
    found = list(near(level))
    assert level in found
    assert len(found) == len(set(found))
    assert all(each.endswith("/acme") for each in found) == level.endswith("/acme")
