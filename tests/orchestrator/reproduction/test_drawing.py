"""The figures are drawn where matplotlib is installed."""

from pathlib import Path

import pytest

from orchestrator.reproduction.drawing import FIGURES, can_draw, draw
from tests.conftest import absent


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_small_png(name: str, tmp_path: Path) -> None:
    if not can_draw():
        absent("matplotlib", "pip install '.[figures]'")
    draw(name, tmp_path)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 200_000
