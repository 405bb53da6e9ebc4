"""The paper's worked example: one model call whose prefill and decode may run on a fast or on a cheap device.

Prefill reads 1000 tokens and decode writes 500. The profile `examples/fleets/hp-co.csv` gives each phase's time and
price on the classes HP and CO, and the KV transfer between them (Asgar, Nguyen, Katti; arXiv 2507.19635, section 3.1).
The deadline decides:

    orchestrator plan examples/worked_example.py --fleet examples/fleets/hp-co.yaml --sla 120ms
        prefill on HP, decode on CO: 80 + 10 + 30 = 120 ms, $0.08 + $0.005 + $0.01 = $0.095
    orchestrator plan examples/worked_example.py --fleet examples/fleets/hp-co.yaml --sla 110ms
        both on HP: 80 + 25 = 105 ms, $0.08 + $0.03 = $0.11
    orchestrator plan examples/worked_example.py --fleet examples/fleets/hp-co.yaml --sla 100ms
        infeasible (exit code 2): the best achievable is 105 ms
    orchestrator plan examples/worked_example.py --fleet examples/fleets/hp-co.yaml --sla 1s
        both on CO: 130 + 30 = 160 ms, $0.05 + $0.01 = $0.06 (the paper prints $0.07; its table gives $0.06)
"""

from orchestrator import agent, llm

EXAMPLE_INPUT = {"question": "Which of two devices should read the prompt, and which should write the answer?"}


def simulated_answer(question: str) -> str:
    """What a simulated device returns: says so, since no model has read the question."""
    return f"[simulated text] No model has answered: {question}"


@llm(model="llama3.1-8b", tokens_in=1000, tokens_out=500, max_tokens=500, simulate=simulated_answer)
def answer(question: str) -> str:
    """You answer in at most 500 tokens."""
    return question


@agent(sla="120ms")
def worked_example(question: str) -> str:
    """One model call, placed in two phases."""
    return answer(question)
