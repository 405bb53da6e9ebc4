"""The state machine of one run: events in, commands out; no clock, no I/O, and the same answer every time.

A node starts as soon as the nodes whose values it reads have finished: dataflow, without super-steps. A frame ends
when all of its nodes have ended, also those that its value does not read, so nothing outlives the block that it was
written in.

An instance is named by its path and operator: `revise_loop[2]/search_fanout[5]/search`. Iterations, items and turns
count from zero; the calls of a react's turn are `[turn][call]`. A failed attempt is repeated, as a new dispatch with
attempt + 1, when its operator is idempotent, has retries left and the failure is of a kind in
`runtime.failure.RETRIED`; the data of its transfers is sent again. An attempt whose first item was handed on is not
repeated: what reads its items cannot take them back.

A node that reads a stream starts with the first item (`FirstItem`), and gets the whole by a `Supply` after the last.
"""

from __future__ import annotations

from collections import deque

from ir.expression import ExpressionError
from runtime.control import BODY_DONE, START, collected_error
from runtime.errors import InputError
from runtime.events import (
    Answered,
    Ask,
    Cancel,
    Cancelled,
    Command,
    DeadlinePassed,
    Dispatch,
    Event,
    Failed,
    Finish,
    FirstItem,
    Json,
    Log,
    LogKind,
    Sent,
    Started,
    Status,
    Submitted,
    Succeeded,
    Supply,
)
from runtime.failure import RETRIED, Failure
from runtime.frames import NOTHING, Frame, Sources, merged, open_frame, sources_of, value_of
from runtime.program import NONE, Kind, Program
from runtime.react import told_to_model


class RunState:
    """One run of a Program. `results` maps each finished instance to its value, whatever becomes of the run."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.results: dict[str, Json] = {}
        self.questions: dict[str, Json] = {}
        self._status: Status = "queued"
        self._frames_of_questions: dict[str, tuple[Frame, int]] = {}
        self._attempts: dict[str, tuple[Frame, int, Dispatch]] = {}
        self._root: Frame | None = None
        self._agenda: deque[tuple[Frame, int]] = deque()
        self._commands: list[Command] = []

    @property
    def status(self) -> Status:
        """`interrupted` while nothing but questions is open."""
        waits = self._status == "running" and self.questions and not self._attempts
        return "interrupted" if waits else self._status

    def step(self, event: Event) -> list[Command]:
        """Take one event and say what to do. Events of ended runs and of superseded attempts change nothing.

        Raises `InputError` when the inputs of `Submitted` are not the agent's parameters.
        """
        self._commands = []
        if self._status not in ("queued", "running"):
            return self._commands
        match event:
            case Submitted(inputs, at):
                self._submitted(inputs, at)
            case FirstItem(instance, attempt, at):
                self._first_item(instance, attempt, at)
            case Succeeded(instance, attempt, value, at):
                self._succeeded(instance, attempt, value, at)
            case Failed(instance, attempt, failure, at):
                self._failed(instance, attempt, failure, at)
            case Answered(instance, value, at):
                self._answered(instance, value, at)
            case Cancelled(at):
                self._end("cancelled", None, None, at)
            case DeadlinePassed(at):
                message = f"the run's time was used up after {at:g} s"
                self._end("timeout", None, Failure("deadline", "DeadlinePassed", message), at)
            case Started():
                pass
        self._work()
        return self._commands

    def open(self, frame: Frame, node: int, block: int, *, key: int, path: str, at: float) -> Frame:
        """Open a frame below a control node; its nodes start once the present event has been worked off.

        The caller sets the frame's parameters at once.
        """
        child = open_frame(self.program, block, path, at)
        child.parent, child.owner, child.key = frame, node, key
        frame.children.setdefault(node, []).append(child)
        self._begin(child)
        return child

    def finish_node(self, frame: Frame, node: int, value: Json, sources: Sources, at: float) -> None:
        """Give a node its value and start what waited only for it."""
        program = self.program
        first = program.block_starts[frame.block]
        slot = len(program.parameters[frame.block]) + node - first
        frame.values[slot], frame.sources[slot] = value, sources
        frame.latest = max(frame.latest, at)
        frame.left -= 1
        frame.controls.pop(node, None)
        frame.children.pop(node, None)
        if node in frame.firsts:
            frame.ended[node] = at
        for follower in program.following(node):
            if node in frame.firsts and any(stream.source == node for stream in program.streams[follower]):
                self._supply(frame, follower)
                continue
            place = follower - first
            frame.ready[place] = max(frame.ready[place], at)
            frame.waiting[place] -= 1
            if frame.waiting[place] == 0:
                self._agenda.append((frame, follower))
        if frame.left == 0:
            self._agenda.append((frame, NONE))

    def fail_node(self, frame: Frame, node: int, type_name: str, message: str, at: float) -> None:
        """End what a control node belongs to, for a reason that is no attempt's failure."""
        self._fail(frame, Failure("raised", type_name, message, instance=self.instance(frame, node)), at)

    def instance(self, frame: Frame, node: int) -> str:
        """The name of a node in a frame."""
        return frame.path + self.program.labels[node]

    def path(self, frame: Frame, node: int, *keys: int) -> str:
        """The path of the frames below a node: `id[key]/`."""
        return f"{frame.path}{self.program.ids[node]}{''.join(f'[{key}]' for key in keys)}/"

    def log(self, kind: LogKind, frame: Frame, node: int, value: Json, at: float) -> None:
        """Tell the report something about a node."""
        self._commands.append(Log(kind, self.instance(frame, node), value, at))

    def ask(self, frame: Frame, node: int, question: Json, at: float) -> None:
        """Put a question; the run goes on with whatever does not read the answer."""
        instance = self.instance(frame, node)
        self.questions[instance] = question
        self._frames_of_questions[instance] = (frame, node)
        self._commands.append(Ask(instance, question, at))

    def dispatch(self, frame: Frame, node: int, at: float) -> None:
        """Run the operator of a node whose inputs are all there."""
        program = self.program
        operator = program.operator_of[node]
        rest = program.rests[node]
        begun = {stream.name: stream for stream in program.streams[node] if stream.source in frame.firsts}
        there = [(key, formula) for key, formula in program.inputs[node] if key not in begun]
        formulas = [formula for _, formula in there] + ([] if rest is None else [rest])
        flowing = {program.operator_of[each.source]: frame.firsts[each.source] for each in begun.values()}
        sources = merged([*(sources_of(formula, frame) for formula in formulas), flowing])
        command = Dispatch(
            instance=self.instance(frame, node),
            operator=operator,
            arguments={key: value_of(formula, frame) for key, formula in there},
            rest=None if rest is None else value_of(rest, frame),
            attempt=1,
            ready_at=at,
            transfers=tuple(Sent(t, sources[src]) for src, t in program.transfers_into[operator] if src in sources),
            in_turn=program.in_turn[frame.block],
            streams={name: stream.items for name, stream in begun.items()},
            items=program.gives[node],
        )
        self._send(frame, node, command)
        self._supply(frame, node)

    def _supply(self, frame: Frame, node: int) -> None:
        """Hand over the whole of what an attempt reads item by item, once the last item of each is there."""
        command = frame.running.get(node)
        if command is None or not command.streams:
            return
        read = [stream for stream in self.program.streams[node] if stream.name in command.streams]
        if any(stream.source not in frame.ended for stream in read):
            return
        transfer_s = {src: transfer.latency_s for src, transfer in self.program.transfers_into[command.operator]}
        at = max(
            frame.ended[stream.source] + transfer_s.get(self.program.operator_of[stream.source], 0.0) for stream in read
        )
        formulas = dict(self.program.inputs[node])
        arguments = {stream.name: value_of(formulas[stream.name], frame) for stream in read}
        self._commands.append(Supply(command.instance, command.attempt, arguments, at))

    def _first_item(self, instance: str, attempt: int, at: float) -> None:
        """Start what waited only for the first item of an attempt."""
        entry = self._attempts.get(instance)
        if entry is None or entry[2].attempt != attempt or entry[1] in entry[0].firsts:
            return
        frame, node, _ = entry
        frame.firsts[node] = at
        first = self.program.block_starts[frame.block]
        for follower in self.program.following(node):
            if any(stream.source == node for stream in self.program.streams[follower]):
                place = follower - first
                frame.ready[place] = max(frame.ready[place], at)
                frame.waiting[place] -= 1
                if frame.waiting[place] == 0:
                    self._agenda.append((frame, follower))

    def _submitted(self, inputs: dict[str, Json], at: float) -> None:
        parameters = self.program.parameters[0]
        if inputs.keys() != set(parameters):
            raise InputError(f"the agent takes {list(parameters)}, the run was given {sorted(inputs)}")
        self._status = "running"
        self._root = open_frame(self.program, 0, "", at)
        for slot, name in enumerate(parameters):
            self._root.values[slot] = inputs[name]
        self._begin(self._root)

    def _succeeded(self, instance: str, attempt: int, value: Json, at: float) -> None:
        entry = self._take(instance, attempt)
        if entry is None:
            return
        frame, node, dispatch = entry
        self.results[instance] = value
        self.finish_node(frame, node, value, {dispatch.operator: at}, at)

    def _failed(self, instance: str, attempt: int, failure: Failure, at: float) -> None:
        entry = self._take(instance, attempt)
        if entry is None:
            return
        frame, node, dispatch = entry
        operator = self.program.operators[dispatch.operator]
        may_repeat = operator.idempotent and node not in frame.firsts
        if failure.kind in RETRIED and may_repeat and attempt <= operator.retries:
            self.log("retried", frame, node, failure.at_instance(instance).to_json(), at)
            again = tuple(sent._replace(sent_at=at) for sent in dispatch.transfers)
            self._send(frame, node, dispatch._replace(attempt=attempt + 1, ready_at=at, transfers=again))
            self._supply(frame, node)
            return
        self._fail(frame, failure.at_instance(instance), at)

    def _answered(self, instance: str, value: Json, at: float) -> None:
        if instance in self.questions:
            frame, node = self._frames_of_questions.pop(instance)
            del self.questions[instance]
            self.results[instance] = value
            self.finish_node(frame, node, value, NOTHING, max(at, self._ready_at(frame, node)))

    def _send(self, frame: Frame, node: int, command: Dispatch) -> None:
        frame.running[node] = command
        self._attempts[command.instance] = (frame, node, command)
        self._commands.append(command)

    def _take(self, instance: str, attempt: int) -> tuple[Frame, int, Dispatch] | None:
        entry = self._attempts.get(instance)
        if entry is None or entry[2].attempt != attempt:
            return None
        del self._attempts[instance]
        del entry[0].running[entry[1]]
        return entry

    def _begin(self, frame: Frame) -> None:
        nodes = self.program.nodes(frame.block)
        self._agenda.extend((frame, node) for node in nodes if frame.waiting[node - nodes.start] == 0)
        if not nodes:
            self._agenda.append((frame, NONE))

    def _work(self) -> None:
        """Start every node that can start and end every frame that is complete."""
        while self._agenda:
            frame, node = self._agenda.popleft()
            if frame.closed:
                continue
            if node == NONE:
                self._end_frame(frame)
                continue
            at = self._ready_at(frame, node)
            try:
                START[Kind(self.program.kinds[node])](self, frame, node, at)
            except ExpressionError as error:
                self.fail_node(frame, node, "ExpressionError", str(error), at)

    def _ready_at(self, frame: Frame, node: int) -> float:
        return frame.ready[node - self.program.block_starts[frame.block]]

    def _end_frame(self, frame: Frame) -> None:
        formula = self.program.results[frame.block]
        try:
            value, sources = value_of(formula, frame), sources_of(formula, frame)
        except ExpressionError as error:
            self._fail(
                frame, Failure("raised", "ExpressionError", str(error), instance=f"{frame.path}result"), frame.latest
            )
            return
        frame.closed = True
        if frame.parent is None:
            self._end("success", value, None, frame.latest)
            return
        kind = Kind(self.program.kinds[frame.owner])
        BODY_DONE[kind](self, frame, value, sources, frame.latest)

    def _fail(self, frame: Frame, failure: Failure, at: float) -> None:
        """A failure ends the nearest item of a collecting fan-out, a tool call with wrong arguments, or else the
        run."""
        inner = frame
        while inner.parent is not None:
            kind = Kind(self.program.kinds[inner.owner])
            told = told_to_model(self.program, inner, failure)
            if told or (kind is Kind.FANOUT and self.program.collects[inner.owner]):
                self._close(inner)
                self.log("collected", inner.parent, inner.owner, failure.to_json(), at)
                BODY_DONE[kind](self, inner, told or collected_error(failure), NOTHING, at)
                return
            inner = inner.parent
        self._end("error", None, failure, at)

    def _close(self, frame: Frame) -> None:
        """Stop everything in flight below and in a frame."""
        for part in list(frame.subtree()):
            part.closed = True
            for dispatch in part.running.values():
                del self._attempts[dispatch.instance]
                self._commands.append(Cancel(dispatch.instance, dispatch.attempt))
            part.running.clear()
        for instance, (asked_in, _) in list(self._frames_of_questions.items()):
            if asked_in.closed:
                del self._frames_of_questions[instance], self.questions[instance]

    def _end(self, status: Status, value: Json, failure: Failure | None, at: float) -> None:
        if self._root is not None:
            self._close(self._root)
        self._agenda.clear()
        self._status = status
        self._commands.append(Finish(status, value, failure, at))
