import subprocess
import sys
from pathlib import Path

import pytest


def test_published_formulations_have_the_same_optima(project: Path) -> None:
    pytest.importorskip("pulp", reason="PuLP is in the extra `bench`")
    command = [sys.executable, "benchmarks/bench_peers.py", "--operators", "6", "--buckets", "3", "--seeds", "2"]
    done = subprocess.run([*command, "--gap", "0"], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[-1] for line in lines[2:4]] == ["1.0000", "1.0000"]
    assert "theirs/ours" in lines[4]
    assert [line.split()[2] == line.split()[4] for line in lines[-2:]] == [True, True]
