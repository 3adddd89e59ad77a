/** The body of `POST /responses` to a chat call: validated, every default applied, nothing silently ignored. */

import { AiError } from "@openai-compat/core";
import type { AnswerFormat, ChatRequest, SchemaRelaxation } from "@openai-compat/core";
import { createResponseRequestSchema } from "@openai-compat/spec";
import type { CreateResponseRequest, InputItem } from "@openai-compat/spec";
import { z } from "zod";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";
import { decodeSampling } from "../decode-sampling.ts";
import { decodeInput } from "./decode-input.ts";
import type { PlacedItem } from "./decode-input.ts";
import { decodeTools } from "./decode-tools.ts";
import type { ToolName } from "./decode-tools.ts";
import { checkParameters } from "./parameters.ts";
import type { Openers } from "./reasoning-seal.ts";

/** What OpenAI does not document for responses, and Open Responses does. */
export const moreSamplingSchema = z.looseObject({
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
});

export type ResponseWire = CreateResponseRequest;

/** @throws AiError with status 400, `param` naming what is wrong */
export function decodeResponseBody(body: unknown): ResponseWire {
  checkEntries(body);
  const wire = decodeBody(createResponseRequestSchema, body);
  checkParameters(wire);
  return wire;
}

/** The items of a request alone: a text is a message of the user. */
export function listInput({ input, previous_response_id, conversation }: ResponseWire): readonly PlacedItem[] {
  if (typeof input === "string") return [{ item: { role: "user", content: input }, param: "input" }];
  if (input !== undefined && input !== null && input.length > 0) {
    return input.map((item: InputItem, index) => ({ item, param: `input[${index}]` }));
  }
  const goesOn = [previous_response_id, conversation].some((state) => state !== undefined && state !== null);
  if (goesOn) return [];
  const message = "Missing required parameter: 'input'. Only a response that goes on from another one may lack it.";
  throw new AiError("missing_required_parameter", message, { param: "input" });
}

export interface DecodedResponse {
  readonly request: ChatRequest;
  readonly toolNames: ReadonlyMap<string, ToolName>;
  readonly relaxed: readonly SchemaRelaxation[];
}

/**
 * @param items of earlier turns and of this one, references resolved.
 * @throws AiError with status 400, `param` naming what is wrong
 */
export function decodeResponse(wire: ResponseWire, items: readonly PlacedItem[], openers: Openers): DecodedResponse {
  const { toolUse, names, relaxed } = decodeTools(wire);
  const hasLogprobs = wire.include?.includes("message.output_text.logprobs") === true;
  return {
    request: {
      messages: decodeInput(items, { instructions: wire.instructions ?? null, ...openers }),
      choices: 1,
      tokensMax: wire.max_output_tokens ?? null,
      stop: [],
      ...decodeSampling({ ...wire, ...decodeBody(moreSamplingSchema, wire) }),
      stream: wire.stream === true,
      isTruncated: wire.truncation === "auto",
      output: { format: decodeFormat(wire), toolUse, reasoningEffort: wire.reasoning?.effort ?? null },
      topLogprobs: hasLogprobs ? (wire.top_logprobs ?? 0) : null,
    },
    toolNames: names,
    relaxed,
  };
}

function decodeFormat({ text }: ResponseWire): AnswerFormat {
  const format = text?.format;
  switch (format?.type) {
    case undefined:
    case "text":
      return { type: "text" };
    case "json_object":
      return { type: "json-object" };
    case "json_schema":
      return { type: "json-schema", schema: format.schema, isStrict: format.strict === true };
  }
}
