// RUN: xdsl-opt -p overlap-transfer %s | filecheck %s

// A KV that its prefill still writes leaves layer by layer; one that arrived from elsewhere is there at once.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %prompt = llm.render @r_render(question = %question) call "r" {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !llm.tokens<900>
  %kv, %first = llm.prefill @r_prefill %prompt call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
  %near = comm.kv_transfer @r_kv_transfer %kv call "r" {function = #agent.function<"a.py", "r", "00">} : !llm.kv<"llama3.1-8b", 900, ?>
  %far = comm.kv_transfer @r_kv_onward %near call "r" {function = #agent.function<"a.py", "r", "00">} : !llm.kv<"llama3.1-8b", 900, ?>
  %text = llm.decode @r_decode %far, %first call "r" models ["llama3.1-8b"] max_tokens 64 {function = #agent.function<"a.py", "r", "00">} : (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<9>
  %answer = llm.parse @r %text call "r" {function = #agent.function<"a.py", "r", "00">} : (!llm.tokens<9>) -> !agent.json
  agent.output %answer : !agent.json
}

// CHECK:      %kv, %first = llm.prefill @r_prefill %prompt call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">}
// CHECK-NEXT: %near = comm.kv_transfer @r_kv_transfer %kv call "r" {function = #agent.function<"a.py", "r", "00">, layerwise} : !llm.kv<"llama3.1-8b", 900, ?>
// CHECK-NEXT: %far = comm.kv_transfer @r_kv_onward %near call "r" {function = #agent.function<"a.py", "r", "00">} : !llm.kv<"llama3.1-8b", 900, ?>
// CHECK-NEXT: %text = llm.decode @r_decode %far, %first call "r"
