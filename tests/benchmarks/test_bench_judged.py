import subprocess
import sys
from pathlib import Path


def test_plans_are_held_against_the_cheapest_that_the_judge_accepts(project: Path) -> None:
    command = [sys.executable, "benchmarks/bench_judged.py", "--shapes", "1x3", "--rates", "0.5", "--seeds", "3"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *_, columns, program, moves, every = done.stdout.splitlines()
    assert columns.split()[:3] == ["shape", "runs/s", "search"]
    rows = [line.split() for line in (program, moves, every)]
    assert [row[2] for row in rows] == ["program", "moves", "all"]
    # Where every plan is judged none costs more than the cheapest, and none is missing.
    assert rows[2][3:7] == [rows[0][3], rows[0][3], "0", "0"]
    assert int(rows[0][3]) > 0
