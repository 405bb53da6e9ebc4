// RUN: xdsl-opt %s | xdsl-opt | filecheck %s

agent.graph @assistant(q) {
^bb0(%q : !agent.json):
  %history = memory.load @history() {function = #agent.function<"a.py", "history", "00">} : () -> !agent.json
  %docs = memory.lookup @recall(question = %q) {function = #agent.function<"a.py", "recall", "00">, k = 4 : i64} : (!agent.json) -> !agent.json
  %stored = memory.store @remember(history = %history, docs = %docs) {function = #agent.function<"a.py", "remember", "00">} : (!agent.json, !agent.json) -> !agent.json
  agent.output %stored : !agent.json
}

// CHECK:          %history = memory.load @history() {function = #agent.function<"a.py", "history", "00">} : () -> !agent.json
// CHECK-NEXT:     %docs = memory.lookup @recall(question = %q) {function = #agent.function<"a.py", "recall", "00">, k = 4 : i64} : (!agent.json) -> !agent.json
// CHECK-NEXT:     %stored = memory.store @remember(history = %history, docs = %docs) {function = #agent.function<"a.py", "remember", "00">} : (!agent.json, !agent.json) -> !agent.json
