/** A response before anything was generated: what its request said, with a concrete value for every field. */

import type { Sampling } from "@openai-compat/core";
import type { ResponseObject, ResponseTool } from "@openai-compat/spec";
import type { ResponseWire } from "./decode.ts";

export interface ComposeOptions {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly createdAt: number;
  readonly conversationId: string | null;
  /** What the model samples with. Default: the request's, else the API's defaults. */
  readonly sampling?: Pick<Sampling, "temperature" | "topP">;
}

/** Beyond OpenAI's document; Open Responses demands them. */
interface Penalties {
  readonly presence_penalty: number;
  readonly frequency_penalty: number;
}

export function composeResponse(wire: ResponseWire, options: ComposeOptions): ResponseObject & Penalties {
  const { id, createdAt, conversationId, sampling } = options;
  const { reasoning, text } = wire;
  return {
    id,
    object: "response",
    created_at: createdAt,
    status: "in_progress",
    background: wire.background ?? false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: wire.instructions ?? null,
    max_output_tokens: wire.max_output_tokens ?? null,
    max_tool_calls: wire.max_tool_calls ?? null,
    model: wire.model,
    output: [],
    parallel_tool_calls: wire.parallel_tool_calls ?? true,
    previous_response_id: wire.previous_response_id ?? null,
    prompt_cache_key: wire.prompt_cache_key ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    safety_identifier: wire.safety_identifier ?? null,
    service_tier: "default",
    store: wire.store ?? true,
    temperature: sampling?.temperature ?? wire.temperature ?? 1,
    text: { format: text?.format ?? { type: "text" }, verbosity: text?.verbosity ?? "medium" },
    tool_choice: wire.tool_choice ?? "auto",
    tools: (wire.tools ?? []).map(completeTool),
    top_logprobs: wire.top_logprobs ?? 0,
    top_p: sampling?.topP ?? wire.top_p ?? 1,
    truncation: wire.truncation ?? "disabled",
    usage: null,
    user: wire.user ?? null,
    metadata: wire.metadata ?? {},
    conversation: conversationId === null ? null : { id: conversationId },
    presence_penalty: readPenalty(wire, "presence_penalty"),
    frequency_penalty: readPenalty(wire, "frequency_penalty"),
  };
}

/** A function without `strict` is one whose schema is a hint. */
function completeTool(tool: ResponseTool): ResponseTool {
  const defaults = { description: null, parameters: null, strict: false };
  return tool.type === "function" ? { ...defaults, ...tool } : tool;
}

function readPenalty(wire: object, name: keyof Penalties): number {
  const value: unknown = Reflect.get(wire, name);
  return typeof value === "number" ? value : 0;
}
