import subprocess
import sys
from pathlib import Path


def test_the_replanning_benchmark_runs_at_a_small_size(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_replan.py", "--operators", "5", "--seeds", "1"]
    command += ["--pooled-seeds", "1"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    header, columns, *lines, last, _, _, pools = done.stdout.splitlines()
    assert "one device of the busiest class lost" in header
    assert columns.split()[-1] == "anew_s/replan"
    assert [line.split()[1] for line in lines] == ["no", "yes"]
    assert "median" in last
    assert "an hour" in pools
