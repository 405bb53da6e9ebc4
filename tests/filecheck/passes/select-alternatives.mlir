// RUN: xdsl-opt -p select-alternatives %s | filecheck %s

// Of @answer_choice the second alternative is left, and within it the first of a nested choice; a choice within the
// alternative that is not taken needs no decision. The operand stands for the block argument, the names stay.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %prompt = llm.render @answer_render(question = %question) call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
  %text = plan.choose @answer_choice %prompt alternative "colocated" {
  ^bb0(%p : !llm.tokens<900>):
    %kept = plan.choose @undecided %p alternative "only" {
    ^bb0(%inner : !llm.tokens<900>):
      plan.yield %inner : !llm.tokens<900>
    } : (!llm.tokens<900>) -> !llm.tokens<900>
    %kv, %first = llm.prefill @answer_prefill %kept call "answer" models ["m"] {plan.group = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"m", 900, ?>, !llm.tokens<1>)
    %t = llm.decode @answer_decode %kv, %first call "answer" models ["m"] max_tokens 256 {plan.group = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"m", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
    plan.yield %t : !llm.tokens<200>
  } alternative "disaggregated" {
  ^bb0(%p : !llm.tokens<900>):
    %same = plan.choose @nested %p alternative "straight" {
    ^bb0(%inner : !llm.tokens<900>):
      plan.yield %inner : !llm.tokens<900>
    } alternative "around" {
    ^bb0(%inner : !llm.tokens<900>):
      plan.yield %inner : !llm.tokens<900>
    } {plan.chosen = "straight"} : (!llm.tokens<900>) -> !llm.tokens<900>
    %kv, %first = llm.prefill @answer_prefill %same call "answer" models ["m"] {plan.pool = "p0", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"m", 900, ?>, !llm.tokens<1>)
    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"m", 900, ?>
    %t = llm.decode @answer_decode %moved, %first call "answer" models ["m"] max_tokens 256 {plan.pool = "p1", plan.tp = 2, plan.latency_s = #cost.amount<0.03>, function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"m", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
    plan.yield %t : !llm.tokens<200>
  } {plan.chosen = "disaggregated"} : (!llm.tokens<900>) -> !llm.tokens<200>
  %answer = llm.parse @answer %text call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:      builtin.module {
// CHECK-NEXT:   agent.graph @assistant(question) {
// CHECK-NEXT:   ^bb0(%question: !agent.text):
// CHECK-NEXT:     %prompt = llm.render @answer_render(question = %question) call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !llm.tokens<900>
// CHECK-NEXT:     %kv, %first = llm.prefill @answer_prefill %prompt call "answer" models ["m"] {plan.pool = "p0", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"m", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT:     %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"m", 900, ?>
// CHECK-NEXT:     %t = llm.decode @answer_decode %moved, %first call "answer" models ["m"] max_tokens 256 {plan.pool = "p1", plan.tp = 2 : i64, plan.latency_s = #cost.amount<0.03>, function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"m", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT:     %answer = llm.parse @answer %t call "answer" {function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<200>) -> !agent.json
// CHECK-NEXT:     agent.output %answer : !agent.json
// CHECK-NEXT:   }
// CHECK-NEXT: }
