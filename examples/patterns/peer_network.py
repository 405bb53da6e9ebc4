"""Peer network: equal agents exchange letters until nobody has anything left to say; nobody is in charge.

The graph is a bounded loop over a fan-out: in each round every peer is the same nested agent at its own desk, reads the
letters to it and may write to the others; `deliver` carries letters and decides nothing. The loop ends when no letter
is left unread. Here the peers agree on an hour to meet: each knows only its own calendar and proposes the first hour
that is free for it and not earlier than any proposal it has heard, so the hours only grow and the talk ends.
"""

from dataclasses import dataclass, field, replace

from orchestrator import agent, compute, fanout, length, llm, loop, tool, when

LABEL = "[simulated text]"
EXAMPLE_INPUT = {"names": ["ada", "ben", "cem"], "earliest": 9}
CALENDARS = {"ada": [9, 11, 14], "ben": [11, 13], "cem": [11, 15]}  # free hours
NO_HOUR = 24
MOST_PEERS = 5
# Priors: `python examples/patterns/measure_priors.py peer_network`, two busy cores of an AMD EPYC, Python 3.11.


@dataclass(frozen=True)
class Letter:
    """A proposal; `to` names who gets it, and may be empty."""

    sender: str
    to: list[str]
    hour: int
    text: str = ""


@dataclass(frozen=True)
class Desk:
    """What one peer has before it: its last proposal, whom it can write to, and the letters it has not answered."""

    name: str
    hour: int
    others: list[str]
    letters: list[Letter] = field(default_factory=list)


@dataclass(frozen=True)
class Network:
    desks: list[Desk]
    unread: int


@dataclass(frozen=True)
class Meeting:
    hour: int | None  # None where the peers do not agree, or share no free hour
    proposals: dict[str, int]


@compute(latency="1.1ms", cost_usd=0)
def open_network(names: list[str], earliest: int) -> Network:
    """A desk for each peer, and the same request in everyone's post."""
    request = Letter("post", names, earliest, "When can we meet?")
    desks = [Desk(name, 0, [other for other in names if other != name], [request]) for name in names]
    return Network(desks, len(names))


@tool(latency="2.6ms", cost_usd=0, idempotent=True)
def free_hours(name: str) -> list[int]:
    """The free hours in one peer's own calendar."""
    return CALENDARS[name]


def simulated_reply(desk: Desk, free: list[int]) -> Letter:
    """The first free hour that suits every letter; to all others if it is new, to nobody if it is what they know."""
    wanted = max([desk.hour, *(letter.hour for letter in desk.letters)])
    hour = next((hour for hour in free if hour >= wanted), NO_HOUR)
    return Letter(desk.name, desk.others if hour != desk.hour else [], hour, f"{LABEL} I propose {hour}:00")


@llm(model="llama3.1-8b", tokens_in=188, tokens_out=22, max_tokens=120, simulate=simulated_reply)
def negotiate(desk: Desk, free: list[int]) -> Letter:
    """You agree with your peers on an hour: propose one of your free hours, never earlier than one you have heard."""
    letters = "\n".join(f"{letter.sender}: {letter.hour}:00" for letter in desk.letters)
    return (
        f"You are {desk.name}. Last proposal: {desk.hour}:00. Free: {free}. You may write to {desk.others}.\n{letters}"
    )


@agent
def peer(desk: Desk) -> Letter:
    """Answers its letters from its own calendar; without letters it stays silent."""
    return when(
        length(desk.letters) > 0,
        lambda: negotiate(desk, free_hours(desk.name)),
        lambda: Letter(desk.name, [], desk.hour),
        p=0.89,  # 8 of the 9 desks of the example have letters
    )


@compute(latency="0.8ms", cost_usd=0)
def deliver(desks: list[Desk], written: list[Letter]) -> Network:
    """Puts every letter on the desks it is addressed to, and each writer's proposal on its own."""
    post = {desk.name: [letter for letter in written if desk.name in letter.to] for desk in desks}
    pairs = zip(desks, written, strict=True)
    after = [replace(desk, hour=letter.hour, letters=post[desk.name]) for desk, letter in pairs]
    return Network(after, sum(len(letters) for letters in post.values()))


@compute(latency="0.6ms", cost_usd=0)
def read_agreement(network: Network) -> Meeting:
    proposals = {desk.name: desk.hour for desk in network.desks}
    hours = set(proposals.values())
    return Meeting(hours.pop() if len(hours) == 1 and NO_HOUR not in hours else None, proposals)


@agent(sla={"p95": "10s"})
def peer_network(names: list[str], earliest: int) -> Meeting:
    """At most eight rounds of letters between at most five peers."""

    def round_of_letters(network: Network) -> Network:
        return deliver(network.desks, fanout(peer, network.desks, max=MOST_PEERS, expect=3))

    network = loop(
        round_of_letters, open_network(names, earliest), until=lambda now: now.unread == 0, max_iters=8, expect=3
    )
    return read_agreement(network)
