"""Which Ray is used: one started here, with a token and readable names, or a cluster at an address.

Each of these needs a process of its own, because a process has one Ray.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import SessionError
from runtime.ray_session import open_session, ray
from runtime.run_options import RunOptions

pytestmark = pytest.mark.ray

TOKEN = "0123456789abcdef" * 4

STARTED_HERE = """
import json, sys, urllib.error, urllib.request
from pathlib import Path
from placement.plan import Plan
from runtime.ray_executor import RayExecutor
from runtime.run_options import RunOptions
import asyncio

def status(url, token=None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code

plan, root, token = Plan.model_validate_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), sys.argv[3]
executor = RayExecutor(plan, RunOptions(root=root, dashboard=True))
executor.start()
try:
    url = executor.dashboard_url + "/api/v0/actors?detail=1"
    refused, told = status(url), status(url, token)
    report = asyncio.run(executor.execute({"a": 1}))
finally:
    executor.close()
import ray
from ray._common.usage import usage_lib
actors = [(actor["name"], actor["repr_name"]) for actor in told["data"]["result"]["result"]]
print(json.dumps([refused, actors, report.value, ray.is_initialized(), usage_lib.usage_stats_enabled()]))
"""

CONNECTED = """
import json, sys
from pathlib import Path
from placement.plan import Plan
from runtime.ray_executor import run
from runtime.run_options import RunOptions

plan, root, address = Plan.model_validate_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), sys.argv[3]
report = run(plan, {}, RunOptions(root=root, address=address))
print(json.dumps([report.status, report.value]))
"""


@pytest.fixture
def in_process(tmp_path: Path, user_code: Any) -> Callable[..., Any]:
    """Run a script on a plan in a new process; what it prints last is JSON."""

    def run(script: str, plan: Any, argument: str, **environment: str) -> Any:
        file = tmp_path / "plan.json"
        file.write_text(plan.model_dump_json())
        command = [sys.executable, "-c", script, str(file), str(user_code.root), argument]
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def step(plans: Any, user_code: Any, name: str) -> Any:
    return plans.operator(name, op="tool.compute", function=user_code.function(name))


def test_a_ray_that_is_started_here_asks_for_a_token_and_shows_readable_names(
    plans: Any, user_code: Any, in_process: Any
) -> None:
    plan = plans.plan([plans.op("add", a="a")], "add", "a", operators=[step(plans, user_code, "add")])
    refused, actors, value, still_up, usage_reported = in_process(STARTED_HERE, plan, TOKEN, RAY_AUTH_TOKEN=TOKEN)
    assert refused == 401
    assert actors == [["cpu_core/cpu/0", "cpu_core/cpu/0"]]
    assert value == 2
    assert not still_up, "the last executor ends the Ray that was started for it"
    assert not usage_reported


def test_a_cluster_gets_the_working_directory(plans: Any, user_code: Any, in_process: Any) -> None:
    plan = plans.plan([plans.op("where")], "where", operators=[step(plans, user_code, "where")])
    session = open_session({"cpu_core": 2}, RunOptions())
    try:
        status, folder = in_process(CONNECTED, plan, ray.get_runtime_context().gcs_address)
    finally:
        session.close()
    assert status == "success"
    assert folder != str(user_code.root)
    assert "working_dir_files" in folder, "Ray's copy of the working directory"


def test_one_process_has_one_ray_with_the_devices_of_its_start() -> None:
    session = open_session({"cpu_core": 2}, RunOptions(resources={"cpu_core": 1, "h100_sxm": 8}))
    try:
        (node,) = session.nodes()
        assert (node.total["cpu_core"], node.total["h100_sxm"]) == (2, 8)
        with pytest.raises(SessionError, match=r"was started with 2 cpu_core, 8 h100_sxm, the plan needs 3 cpu_core"):
            open_session({"cpu_core": 3}, RunOptions())
        with pytest.raises(
            SessionError, match="already uses a Ray that it started, so it cannot use the Ray cluster at"
        ):
            open_session({"cpu_core": 1}, RunOptions(address="127.0.0.1:1"))
        second = open_session({"h100_sxm": 8}, RunOptions())
        second.close()
        second.close()
        assert ray.is_initialized(), "the first holder still has it, however often the second lets go"
    finally:
        session.close()
    assert not ray.is_initialized()


def test_an_address_where_no_cluster_is() -> None:
    with pytest.raises(SessionError, match=r"no Ray cluster at '127\.0\.0\.1:1': .*refused; start one"):
        open_session({}, RunOptions(address="127.0.0.1:1"))
