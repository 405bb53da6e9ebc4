// RUN: xdsl-opt -p decompose-llm,offload-attention %s | filecheck %s

// @answer keeps a KV of plain attention, so its choice gains an alternative whose linear half keeps the id of the decode.
// The latent attention of deepseek-v3-r1 would send what the catalog does not have, so @latent stays as it is.
agent.graph @assistant(question) {
^bb0(%question : !agent.text):
  %answer = llm.call @answer(question = %question) models ["llama3.1-8b"] max_tokens 256 tokens_in 900 tokens_out 200 {function = #agent.function<"a.py", "answer", "00">} : (!agent.text) -> !agent.json
  %latent = llm.call @latent(question = %answer) models ["deepseek-v3-r1", "llama3.1-8b"] max_tokens 256 tokens_in 900 tokens_out 200 {function = #agent.function<"a.py", "latent", "00">} : (!agent.json) -> !agent.json
  agent.output %latent : !agent.json
}

// CHECK:      } alternative "attention_offload" {
// CHECK-NEXT: ^bb0(%prompt_3: !llm.tokens<900>):
// CHECK-NEXT: %kv_2, %first_2 = llm.prefill @answer_prefill %prompt_3 call "answer" models ["llama3.1-8b"] {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
// CHECK-NEXT: %moved_1 = comm.kv_transfer @answer_kv_transfer %kv_2 call "answer" {name = "answer", function = #agent.function<"a.py", "answer", "00">} : !llm.kv<"llama3.1-8b", 900, ?>
// CHECK-NEXT: %attended = llm.decode_attention @answer_decode_attention %moved_1 call "answer" models ["llama3.1-8b"] {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.kv<"llama3.1-8b", 900, ?>) -> !llm.activations<200>
// CHECK-NEXT: %near = comm.activations @answer_activations %attended call "answer" models ["llama3.1-8b"] {name = "answer", function = #agent.function<"a.py", "answer", "00">} : !llm.activations<200>
// CHECK-NEXT: %text_3 = llm.decode_linear @answer_decode %near, %first_2 call "answer" models ["llama3.1-8b"] max_tokens 256 {name = "answer", function = #agent.function<"a.py", "answer", "00">} : (!llm.activations<200>, !llm.tokens<1>) -> !llm.tokens<200>
// CHECK-NEXT: plan.yield %text_3 : !llm.tokens<200>
// CHECK-NEXT: } : (!llm.tokens<900>) -> !llm.tokens<200>
// CHECK:      %text_1 = plan.choose @latent_choice %prompt_1 alternative "colocated" {
// CHECK-NOT:  attention_offload
