/** `configuration_update`: items of a conversation that say what the responses after them are to be like. */

import type { ResponseWire } from "./decode.ts";
import type { PlacedItem } from "./decode-input.ts";

/**
 * What the request says itself counts; else the last update, setting by setting.
 *
 * @param items of earlier turns and of this one.
 */
export function applyConfiguration(wire: ResponseWire, items: readonly PlacedItem[]): ResponseWire {
  const updates = items.flatMap(({ item }) => (item.type === "configuration_update" ? [item] : []));
  if (updates.length === 0) return wire;
  const format = wire.text?.format ?? updates.findLast(({ text }) => isPresent(text))?.text?.format;
  const effort =
    wire.reasoning?.effort ?? updates.findLast(({ reasoning }) => isPresent(reasoning?.effort))?.reasoning?.effort;
  return {
    ...wire,
    ...(format === undefined ? {} : { text: { ...wire.text, format } }),
    ...(isPresent(effort) ? { reasoning: { ...wire.reasoning, effort } } : {}),
  };
}

function isPresent<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}
