import pytest

from placement.load import AgentDemand, Load
from placement.plan import Plan, Provenance
from placement.plan_from_ir import Heading
from placement.pricing import Pricing
from placement.shared_evaluate import judge_shared
from placement.shared_from_ir import AgentIr, SharedLowered, shared_from_ir
from placement.shared_plans import Answer, call_usd, write_plan
from placement.shared_solve import Effort, solve_shared
from placement.taken import taken_by
from tests.placement.sample_agents import answer_agent, cores, graph_op, h100, pricing, react_agent, speech_agent

HEADING = Heading(
    Provenance(agent="a", graph_sha256="", fleet="", fleet_sha256="", catalog="", orchestrator_version="", solver=""),
    {},
    {},
)


def planned(*agents: object, rate_per_s: float = 1.0, prices: Pricing | None = None) -> tuple[SharedLowered, Answer]:
    irs = [
        AgentIr(graph_op(each), AgentDemand(each.__name__, rate_per_s))  # type: ignore[attr-defined, arg-type]
        for each in agents
    ]
    load = Load("test", tuple(each.demand for each in irs))
    shared = shared_from_ir(irs, prices or pricing(cores(), h100(8)), load)
    found = solve_shared(shared.problem, effort=Effort(time_limit_s=20.0, samples=200))
    return shared, Answer(found.placement, found.evaluation, found.gap, found.bound_scope, found.solver, 0.0)


@pytest.fixture(scope="module")
def both() -> tuple[SharedLowered, Answer]:
    return planned(answer_agent, react_agent)


def test_documents_are_whole_and_read_back(both: tuple[SharedLowered, Answer]) -> None:
    shared, answer = both
    for index in (0, 1):
        document = write_plan(shared, index, answer, HEADING)
        assert Plan.model_validate_json(document.model_dump_json()) == document
        assert document.cost_basis == "provisioned"
        pools = {pool.id for pool in document.pools}
        assert {route.pool for each in document.operators for route in each.routes} == pools


def test_pools_have_the_replicas_slots_and_caps_of_their_levels(both: tuple[SharedLowered, Answer]) -> None:
    shared, answer = both
    levels = {level.pool.id: position for position, level in enumerate(shared.problem.levels)}
    for pool in write_plan(shared, 0, answer, HEADING).pools:
        level = shared.problem.levels[levels[pool.id]]
        assert pool.replicas == answer.placement.replicas[levels[pool.id]] >= 1
        assert (pool.batch, pool.utilisation_cap, pool.tp) == (level.slots, level.cap, level.pool.tp)
        assert (pool.step is None) == (pool.model is None)


def test_what_calls_cost_adds_up_to_what_the_fleet_costs(both: tuple[SharedLowered, Answer]) -> None:
    shared, answer = both
    per_hour = 0.0
    for index, agent in enumerate(shared.problem.agents):
        document = write_plan(shared, index, answer, HEADING)
        operators = sum(each.visits * each.promised.cost_usd for each in document.operators)
        moves = sum(each.visits * each.cost_usd for each in document.transfers)
        assert document.promised.cost_usd == pytest.approx(operators + moves)
        per_hour += 3600 * agent.rate_per_s * document.promised.cost_usd
    assert per_hour == pytest.approx(answer.evaluation.usd_per_hour)


def test_a_calls_part_by_hand() -> None:
    shared, answer = planned(speech_agent, rate_per_s=0.01, prices=pricing(cores(8)))
    # Only cores: `first` holds one for 1 ms x margin 1.25, so at 0.01 runs/s it keeps 0.0000125 cores busy. It is alone
    # in its pool of one core at 3.6 USD/h, and 36 runs an hour pay 3.6 USD: 0.1 USD a call.
    position = next(i for i, each in enumerate(shared.agents[0].specs) if each.id == "first")
    load = answer.evaluation.levels[taken_by(shared, 0, answer.placement)[position][0].option.pool]
    assert load.replicas == 1
    assert load.busy_slots == pytest.approx(0.0000125)
    assert call_usd(shared, answer, taken_by(shared, 0, answer.placement)[position][0]) == pytest.approx(0.1)


def test_the_promise_is_the_estimate_and_waiting_is_told(both: tuple[SharedLowered, Answer]) -> None:
    shared, answer = both
    taken = [ways[0].option for ways in taken_by(shared, 0, answer.placement).values()]
    for each, option in zip(write_plan(shared, 0, answer, HEADING).operators, taken, strict=True):
        assert each.promised.mean_s == option.latency_s
        assert any(note.startswith("waits ") for note in each.promised.notes)


def test_the_answer_is_what_the_judge_says(both: tuple[SharedLowered, Answer]) -> None:
    shared, answer = both
    again = judge_shared(shared.problem, answer.placement, samples=200)
    assert again.usd_per_hour == answer.evaluation.usd_per_hour
    document = write_plan(shared, 1, answer, HEADING)
    assert document.promised.latency_s == again.agents[1].latency_s
    assert document.bound_usd == pytest.approx(document.promised.cost_usd * (1 - answer.gap))
