"""The benchmark that measures the priors of prompt making and answer reading still runs."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.ray
def test_the_host_step_benchmark_prints_measurement_prior_and_ratio(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_host_steps.py", "3"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("3 warm runs")
    for row in ("answer.render through the cpu driver", "answer.parse in this process", "orchestration of one call"):
        assert row in done.stdout
    assert done.stdout.count("x the measured median") == 2
    fused, apart, ratio = done.stdout.splitlines()[-3:]
    assert (fused.split(":")[0].strip(), apart.split(":")[0].strip()) == ("fused", "not fused")
    assert ratio.endswith("x as long without fuse-cpu")
