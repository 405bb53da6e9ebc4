// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

// Both alternatives may define the same ids. Operations of `comm`, `plan` and `cost` are here.
agent.graph @assistant(q) {
^bb0(%q : !agent.text):
  %prompt = llm.render @a_render(q = %q) call "a" {cost.visits = #cost.amount<0.7>, function = #agent.function<"a.py", "a", "00">} : (!agent.text) -> !llm.tokens<9>
  %text = plan.choose @a_choice %prompt alternative "colocated" {
  ^bb0(%p : !llm.tokens<9>):
    %kv, %first = llm.prefill @a_prefill %p call "a" models ["m", "n"] {plan.group = "a", cost.flops = #cost.per_model<12768017405952, 1.5e+20>, function = #agent.function<"a.py", "a", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>)
    %t = llm.decode @a_decode %kv, %first call "a" models ["m", "n"] max_tokens 8 {plan.group = "a", function = #agent.function<"a.py", "a", "00">} : (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>) -> !llm.tokens<?>
    plan.yield %t : !llm.tokens<?>
  } alternative "disaggregated" {
  ^bb0(%p : !llm.tokens<9>):
    %kv, %first = llm.prefill @a_prefill %p call "a" models ["m", "n"] {function = #agent.function<"a.py", "a", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>)
    %moved = comm.kv_transfer @a_kv_transfer %kv call "a" {layerwise, cost.kv_bytes = #cost.per_model<1.5, 0>, function = #agent.function<"a.py", "a", "00">} : !llm.kv<"m" | "n", 9, ?>
    %t = llm.decode @a_decode %moved, %first call "a" models ["m", "n"] max_tokens 8 {function = #agent.function<"a.py", "a", "00">} : (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>) -> !llm.tokens<?>
    plan.yield %t : !llm.tokens<?>
  } : (!llm.tokens<9>) -> !llm.tokens<?>
  %answer = llm.parse @a %text call "a" {function = #agent.function<"a.py", "a", "00">} : (!llm.tokens<?>) -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:          %prompt = llm.render @a_render(q = %q) call "a" {cost.visits = #cost.amount<0.7>, function = #agent.function<"a.py", "a", "00">} : (!agent.text) -> !llm.tokens<9>
// CHECK-NEXT:     %text = plan.choose @a_choice %prompt alternative "colocated" {
// CHECK-NEXT:     ^bb0(%p: !llm.tokens<9>):
// CHECK-NEXT:       %kv, %first = llm.prefill @a_prefill %p call "a" models ["m", "n"] {plan.group = "a", cost.flops = #cost.per_model<12768017405952, 1.5e+20>, function = #agent.function<"a.py", "a", "00">} : (!llm.tokens<9>) -> (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>)
// CHECK-NEXT:       %t = llm.decode @a_decode %kv, %first call "a" models ["m", "n"] max_tokens 8 {plan.group = "a", function = #agent.function<"a.py", "a", "00">} : (!llm.kv<"m" | "n", 9, ?>, !llm.tokens<1>) -> !llm.tokens<?>
// CHECK-NEXT:       plan.yield %t : !llm.tokens<?>
// CHECK-NEXT:     } alternative "disaggregated" {
// CHECK-NEXT:     ^bb0(%p_1: !llm.tokens<9>):
// CHECK:            %moved = comm.kv_transfer @a_kv_transfer %{{.*}} call "a" {cost.kv_bytes = #cost.per_model<1.5, 0>, layerwise, function = #agent.function<"a.py", "a", "00">} : !llm.kv<"m" | "n", 9, ?>
// CHECK:          } : (!llm.tokens<9>) -> !llm.tokens<?>
