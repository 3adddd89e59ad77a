/**
 * Selects the parameters that are sent to an upstream: those whose cost is bounded by the token limit and the number of
 * answers. A parameter that an upstream may read as another limit, or as more answers (`n_predict`,
 * `num_return_sequences`, `options`, …), is not sent; nor is an unknown parameter.
 */

import type { ModelRequestId } from "@openai-compat/core";
import type { JsonRecord } from "./json-value.ts";

/** How tokens are sampled; the ones that OpenAI doesn't document are vLLM's, SGLang's, llama.cpp's or Ollama's. */
const SAMPLING = [
  "temperature",
  "top_p",
  "frequency_penalty",
  "presence_penalty",
  "seed",
  "stop",
  "logit_bias",
  "top_k",
  "min_p",
  "top_a",
  "typical_p",
  "tfs_z",
  "epsilon_cutoff",
  "eta_cutoff",
  "repetition_penalty",
  "repeat_penalty",
  "repeat_last_n",
  "length_penalty",
  "no_repeat_ngram_size",
  "mirostat",
  "mirostat_tau",
  "mirostat_eta",
  "dynatemp_range",
  "dynatemp_exponent",
  "xtc_probability",
  "xtc_threshold",
  "dry_multiplier",
  "dry_base",
  "dry_allowed_length",
  "dry_penalty_last_n",
  "dry_sequence_breakers",
  "top_n_sigma",
  "samplers",
  "bad_words",
  "allowed_token_ids",
  "stop_token_ids",
  "include_stop_str_in_output",
  "skip_special_tokens",
  "spaces_between_special_tokens",
  "truncate_prompt_tokens",
] as const;

/** Parameters of the output format. */
const OUTPUT_FORMAT = [
  "response_format",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "guided_decoding_backend",
  "guided_whitespace_pattern",
  "structured_outputs",
  "grammar",
  "json_schema",
  "regex",
  "ebnf",
  "format",
] as const;

/**
 * Labels and hints that make no call longer. A service tier, a priority and a search of the web are not among them:
 * they cost the operator more than tokens.
 */
const LABELS = [
  "user",
  "metadata",
  "store",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "cache_salt",
  "cache_prompt",
  "return_tokens_as_token_ids",
  "return_token_ids",
  "add_special_tokens",
] as const;

/** Set for every request; see `encodeRequest`. */
const STREAMING = ["stream", "stream_options"] as const;

const KNOWN: Readonly<Record<ModelRequestId, ReadonlySet<string>>> = {
  createChatCompletion: new Set<string>([
    ...SAMPLING,
    ...OUTPUT_FORMAT,
    ...LABELS,
    ...STREAMING,
    "messages",
    "n",
    "logprobs",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "reasoning_effort",
    "reasoning",
    "reasoning_format",
    "include_reasoning",
    "separate_reasoning",
    "stream_reasoning",
    "thinking",
    "think",
    "enable_thinking",
    "chat_template_kwargs",
    "add_generation_prompt",
    "continue_final_message",
    "parse_tool_calls",
    "modalities",
    "audio",
    "verbosity",
    "prediction",
    "moderation",
  ]),
  createResponse: new Set<string>([
    ...SAMPLING,
    ...LABELS,
    "stream",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tool_calls",
    "text",
    "reasoning",
    "include",
    "truncation",
    "top_logprobs",
    "chat_template_kwargs",
  ]),
  Getinputtokencounts: new Set<string>([
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "truncation",
    "chat_template_kwargs",
  ]),
  createCompletion: new Set<string>([
    ...SAMPLING,
    ...OUTPUT_FORMAT,
    ...LABELS,
    ...STREAMING,
    "prompt",
    "suffix",
    "echo",
    "n",
    "best_of",
    "logprobs",
    "prompt_logprobs",
  ]),
  createEmbedding: new Set<string>([
    ...LABELS,
    "input",
    "encoding_format",
    "dimensions",
    "input_type",
    "truncate_prompt_tokens",
    "truncate",
    "normalize",
    "embedding_type",
    "task",
  ]),
  createSpeech: new Set<string>([
    ...LABELS,
    "input",
    "voice",
    "instructions",
    "response_format",
    "stream_format",
    "speed",
    "seed",
    "temperature",
    "top_p",
    "language",
    "lang_code",
    "volume_multiplier",
    "normalization_options",
    "sample_rate",
  ]),
  createTranscription: new Set<string>([
    ...LABELS,
    "file",
    "language",
    "prompt",
    "response_format",
    "temperature",
    "stream",
    "include",
    "timestamp_granularities",
    "chunking_strategy",
    "known_speaker_names",
    "known_speaker_references",
    "hotwords",
    "vad_filter",
    "seed",
    "top_p",
    "to_language",
  ]),
  createTranslation: new Set<string>([
    ...LABELS,
    "file",
    "language",
    "prompt",
    "response_format",
    "temperature",
    "stream",
    "hotwords",
    "vad_filter",
    "seed",
    "to_language",
  ]),
};

/** Replaced by our own values, so they don't count as dropped. */
const WRITTEN_ANEW: ReadonlySet<string> = new Set(["model", "max_tokens", "max_completion_tokens"]);
const WRITTEN_ANEW_IN_RESPONSES: ReadonlySet<string> = new Set(["model", "max_output_tokens"]);

/** Of names that are reported: they are the caller's own, and go into a header. */
const DROPPED_MAX = 20;
const NAME_LENGTH_MAX = 60;

export interface ParameterRules {
  readonly operation: ModelRequestId;
  /** The operator's additions. */
  readonly passParameters: readonly string[];
}

export function isPassed(name: string, { operation, passParameters }: ParameterRules): boolean {
  return KNOWN[operation].has(name) || passParameters.includes(name);
}

/**
 * The parameters of a body that are sent: known ones that are not `null`. `null` means the default, and some upstreams
 * refuse it.
 */
export function selectParameters(body: Readonly<JsonRecord>, rules: ParameterRules): JsonRecord {
  const selected: JsonRecord = {};
  for (const name of Object.keys(body)) {
    const value = body[name];
    if (value !== null && isPassed(name, rules)) selected[name] = value;
  }
  return selected;
}

/** The names of what is not sent, bounded. */
export function listDropped(names: readonly string[], rules: ParameterRules): readonly string[] {
  const written = rules.operation === "createResponse" ? WRITTEN_ANEW_IN_RESPONSES : WRITTEN_ANEW;
  const dropped = names.filter((name) => !written.has(name) && !isPassed(name, rules));
  return dropped.slice(0, DROPPED_MAX).map((name) => name.slice(0, NAME_LENGTH_MAX));
}
