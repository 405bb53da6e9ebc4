// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(q) {
^bb0(%q : !agent.json):
  %a = tool.invoke @search(query = %q, %q) {function = #agent.function<"a.py", "search", "00">, latency_s = 0.5 : f64, idempotent} : (!agent.json, !agent.json) -> !agent.json
  %request = tool.lookup @find_lookup(query = %a) call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !tool.request
  %reply = tool.wait @find_wait %request wait_s 0.39 call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">} : !tool.request
  %found = tool.compute @find %reply call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">, latency_s = 0.5 : f64} : !tool.request -> !agent.json
  agent.output %found : !agent.json
}

// CHECK:          %a = tool.invoke @search(query = %q, %q) {function = #agent.function<"a.py", "search", "00">, latency_s = 5.000000e-01 : f64, idempotent} : (!agent.json, !agent.json) -> !agent.json
// CHECK-NEXT:     %request = tool.lookup @find_lookup(query = %a) call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">} : (!agent.json) -> !tool.request
// CHECK-NEXT:     %reply = tool.wait @find_wait %request wait_s 0.39 call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">} : !tool.request
// CHECK-NEXT:     %found = tool.compute @find %reply call "find" {plan.group = "find", function = #agent.function<"a.py", "find", "00">, latency_s = 5.000000e-01 : f64} : !tool.request -> !agent.json
