"""Options that make no sense are refused where they are given."""

import subprocess
import sys
from typing import Any

import pytest

from runtime.run_options import RunOptions


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["time_scale", "deadline_s"])
def test_times_are_greater_than_zero(name: str, value: float) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} must be a number greater than zero"):
        RunOptions(**changes)


def test_reading_options_loads_no_ray() -> None:
    program = "import sys, runtime.run_options, runtime.trace; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
