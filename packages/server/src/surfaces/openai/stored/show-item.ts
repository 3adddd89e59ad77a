/** An item as it is shown: with those of its larger fields alone that `include` names. */

import { isRecord } from "@openai-compat/core";
import type { StoredItem, WireObject } from "@openai-compat/core";

/** The type of an item, and where in it the field is. In a list, the type of the elements that have it. */
const HIDDEN: readonly (readonly [include: string, type: string, path: readonly string[]])[] = [
  ["reasoning.encrypted_content", "reasoning", ["encrypted_content"]],
  ["message.output_text.logprobs", "message", ["content", "output_text", "logprobs"]],
  ["message.input_image.image_url", "message", ["content", "input_image", "image_url"]],
  ["file_search_call.results", "file_search_call", ["results"]],
  ["web_search_call.results", "web_search_call", ["results"]],
  ["web_search_call.action.sources", "web_search_call", ["action", "sources"]],
  ["code_interpreter_call.outputs", "code_interpreter_call", ["outputs"]],
  ["computer_call_output.output.image_url", "computer_call_output", ["output", "image_url"]],
];

export function showItem(
  { id, item }: StoredItem,
  include: readonly string[] = [],
): WireObject & { readonly id: string } {
  const hidden = HIDDEN.filter(([name, type]) => item["type"] === type && !include.includes(name));
  return { ...hidden.reduce<WireObject>((shown, [, , path]) => without(shown, path), item), id };
}

/** Copies only what it changes. */
function without(object: WireObject, [key = "", ...rest]: readonly string[]): WireObject {
  if (!Object.hasOwn(object, key)) return object;
  const { [key]: value, ...others } = object;
  if (rest.length === 0) return key === "logprobs" ? { ...others, logprobs: [] } : others;
  if (Array.isArray(value)) {
    const [type = "", ...path] = rest;
    const shorten = (part: unknown) => (isRecord(part) && part["type"] === type ? without(part, path) : part);
    return { ...object, [key]: value.map(shorten) };
  }
  return isRecord(value) ? { ...object, [key]: without(value, rest) } : object;
}
