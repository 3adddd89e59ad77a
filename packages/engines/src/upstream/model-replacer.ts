/**
 * Replaces the upstream's model name by our model's id in a JSON text, without reserialising it where that is safe.
 */

import type { JsonRecord } from "./json-value.ts";

/**
 * @param text one JSON object
 * @param value the same, parsed; it is changed
 * @returns the text to send
 */
export type ModelReplacer = (text: string, value: JsonRecord) => string;

const KEY = '"model"';
/** The prefix of every escape of a letter of `model`. */
const ESCAPED_LETTER = "\\u006";

/**
 * The shortcut is safe for this reason. A top-level key `model` appears in the text as `"model"` unless a letter of it
 * is escaped. So when there is no such escape, and exactly one `"model"` followed by a colon, that one is the key:
 * inside a string its quotes would have a backslash before them. The text after it is then the value that the parser
 * saw.
 */
export function createModelReplacer(modelId: string): ModelReplacer {
  const ours = JSON.stringify(modelId);
  let lastModel: unknown;
  let theirs = "";
  return (text, value) => {
    const { model } = value;
    if (model === undefined || model === modelId) return text;
    if (model !== lastModel) {
      lastModel = model;
      theirs = JSON.stringify(model);
    }
    const start = findValue(text);
    if (start !== -1 && text.startsWith(theirs, start)) {
      return text.slice(0, start) + ours + text.slice(start + theirs.length);
    }
    value["model"] = modelId;
    return JSON.stringify(value);
  };
}

/** @returns where the value of the key begins; -1 when that is not certain */
function findValue(text: string): number {
  const key = text.indexOf(KEY);
  if (key === -1 || text[key + KEY.length] !== ":") return -1;
  if (text.includes(KEY, key + KEY.length) || text.includes(ESCAPED_LETTER)) return -1;
  const start = key + KEY.length + 1;
  return text[start] === " " ? start + 1 : start;
}
