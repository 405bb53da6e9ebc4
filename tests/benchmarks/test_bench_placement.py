import subprocess
import sys
from pathlib import Path


def test_the_placement_benchmark_runs_at_a_small_size(project: Path) -> None:
    command = [
        sys.executable,
        "benchmarks/bench_placement.py",
        "--operators",
        "4",
        "--seeds",
        "1",
        "--time-limit-s",
        "5",
    ]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    header, columns, *lines = done.stdout.splitlines()
    assert "8 classes x 2 models" in header
    assert columns.split()[-1] == "status"
    # Uncapped and capped: one instance and its median each.
    assert [line.split()[1] for line in lines] == ["no", "no", "yes", "yes"]
    assert [line.split()[-1] for line in lines[::2]] == ["optimal", "optimal"]
