"""A process that runs the user's functions, one call at a time, so that a call can be killed without harm to anything
else.

It is started as `python -m runtime.drivers.cpu_worker FD` and speaks over that socket: messages are JSON after a
length of eight bytes. It loads the functions that it is given first, says that it is ready, and ends when the socket
closes.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from placement.plan import Function, PartCall
from runtime.drivers.messages import HEADER
from runtime.drivers.user_calls import PartFailed, perform_all, result_too_large
from runtime.drivers.user_code import failure_of, perform
from runtime.failure import Failure
from runtime.functions import load


def main() -> None:
    """Serve until the socket closes."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, requests), daemon=True).start()
    setup = requests.get()
    root, limit = Path(setup["root"]), int(setup["max_result_bytes"])
    _send(connection, _prepared([Function(**function) for function in setup["functions"]], root))
    while True:
        _send(connection, _bounded(_answer(requests.get(), root, limit), limit))


def _prepared(functions: list[Function], root: Path) -> bytes:
    """Load everything beforehand, so that no call pays for an import or for what a function prepares once."""
    for function in functions:
        try:
            prepare = cast(Callable[[], None] | None, getattr(load(function, root), "prepare", None))
            if prepare is not None:
                prepare()
        except Exception as error:
            return _failed(failure_of(error, function, root))
    return b'{"value": null}'


def _answer(request: dict[str, Any], root: Path, limit: int) -> bytes:
    if request["calls"]:
        return _answer_all([PartCall(**call) for call in request["calls"]], request["arguments"], root, limit)
    function = Function(**request["function"])
    try:
        user = load(function, root)
        value = perform(request["op"], user, request["arguments"], request["rest"], request["in_turn"])
        return json.dumps({"value": value}, allow_nan=False).encode()
    except BaseException as error:
        return _failed(failure_of(error, function, root))


def _answer_all(calls: list[PartCall], arguments: dict[str, Any], root: Path, limit: int) -> bytes:
    """The answer of functions that were fused, with the seconds that each took."""
    try:
        value, times = perform_all(calls, arguments, root, limit)
    except PartFailed as error:
        return _failed(error.failure)
    return f'{{"value": {value}, "parts": {json.dumps([[time.id, time.duration_s] for time in times])}}}'.encode()


def _bounded(answer: bytes, limit: int) -> bytes:
    too_large = result_too_large(answer, limit)
    return answer if too_large is None else _failed(too_large)


def _failed(failure: Failure) -> bytes:
    return json.dumps({"failure": failure.to_json()}).encode()


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(HEADER.pack(len(message)) + message)


def _read(connection: socket.socket, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Pass requests on; when the other side is gone, end this process and all that the user's code started."""
    try:
        while True:
            (length,) = HEADER.unpack(_receive(connection, HEADER.size))
            requests.put(cast("dict[str, Any]", json.loads(_receive(connection, length))))
    except (EOFError, OSError):
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(0)


def _receive(connection: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
