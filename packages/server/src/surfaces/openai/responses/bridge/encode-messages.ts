/** Turns as the messages of a chat completion. Images and files stay: an upstream refuses them itself. */

import type { MessageContentPart } from "@openai-compat/spec";
import { unsupportedValue } from "../../parameter-rules.ts";
import type { JsonObject } from "../../upstream/decode-json.ts";
import { joinParts } from "../decode-input.ts";
import type { Turn } from "../decode-input.ts";

/** Parts of a chat's message. */
export type Parts = readonly JsonObject[];

const TEXT_TYPES: ReadonlySet<string> = new Set(["input_text", "output_text", "refusal"]);

/** @returns a text where all parts are texts. @throws AiError `unsupported_value` for a file that only its server has */
export function encodeParts(parts: readonly MessageContentPart[], param: string): string | Parts {
  if (parts.every(({ type }) => TEXT_TYPES.has(type))) return joinParts(parts, param);
  return parts.map((part, index) => encodePart(part, `${param}[${index}]`));
}

function encodePart(part: MessageContentPart, param: string): JsonObject {
  switch (part.type) {
    case "input_text":
    case "output_text":
      return { type: "text", text: part.text };
    case "refusal":
      return { type: "text", text: part.refusal };
    case "input_image": {
      const { image_url: url, detail } = part;
      if (typeof url !== "string") throw unsupportedValue(param, "file_id", "'image_url'");
      return { type: "image_url", image_url: { url, detail: detail ?? undefined } };
    }
    case "input_file": {
      const { file_data, filename } = part;
      if (typeof file_data !== "string") {
        const given = typeof part.file_url === "string" ? "file_url" : "file_id";
        throw unsupportedValue(param, given, "'file_data'");
      }
      return { type: "file", file: { file_data, filename: filename ?? undefined } };
    }
  }
}

export function encodeTurns(turns: readonly Turn<Parts>[]): readonly JsonObject[] {
  const lastUser = turns.findLastIndex(({ role }) => role === "user");
  return turns.map((turn, index) => encodeTurn(turn, index > lastUser));
}

/**
 * @param isGoingOn whether it answers the last message of the user: upstreams that give reasoning want that of a turn
 *   back which still calls tools, and some refuse any other
 */
function encodeTurn({ role, content, reasoning, toolCalls, toolCallId }: Turn<Parts>, isGoingOn: boolean): JsonObject {
  if (role === "tool") return { role, tool_call_id: toolCallId, content };
  if (toolCalls === undefined) return { role, content };
  return {
    role,
    content: content === "" ? null : content,
    ...(isGoingOn && reasoning !== undefined ? { reasoning_content: reasoning } : {}),
    tool_calls: toolCalls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    })),
  };
}
