// RUN: xdsl-opt -p 'chunk-prefill{tokens=256}' %s | filecheck %s

// A prompt of 900 tokens is read in chunks, as is one of unknown length; one of 256 fits in a chunk.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %long = llm.render @long(question = %question) call "r" {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !llm.tokens<900>
  %unknown = llm.render @unknown(question = %question) call "r" {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !llm.tokens<?>
  %short = llm.render @short(question = %question) call "r" {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !llm.tokens<256>
  %kv_1, %first_1 = llm.prefill @long_prefill %long call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
  %kv_2, %first_2 = llm.prefill @unknown_prefill %unknown call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">} : (!llm.tokens<?>) -> (!llm.kv<"llama3.1-8b", ?, ?>, !llm.tokens<1>)
  %kv_3, %first_3 = llm.prefill @short_prefill %short call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">} : (!llm.tokens<256>) -> (!llm.kv<"llama3.1-8b", 256, ?>, !llm.tokens<1>)
  agent.output %question : !agent.text
}

// CHECK: llm.prefill @long_prefill %long call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">, chunk_tokens = 256 : i64}
// CHECK: llm.prefill @unknown_prefill %unknown call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">, chunk_tokens = 256 : i64}
// CHECK: llm.prefill @short_prefill %short call "r" models ["llama3.1-8b"] {function = #agent.function<"a.py", "r", "00">} :
