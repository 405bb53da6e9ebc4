import subprocess
import sys
from pathlib import Path


def test_the_engine_benchmark_prints_gap_scope_and_instance(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_engine.py", "--cases", "1x20", "--seeds", "1", "--no-loop"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *_, columns, line, instance = done.stdout.splitlines()
    assert "bound_scope surrogate" in done.stdout
    assert columns.split()[:4] == ["case", "seed", "gap", "seconds"]
    assert line.split()[:2] == ["1x20", "0"]
    assert "1 agents x 20 operators" in instance
