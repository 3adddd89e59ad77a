/** What the sample schemas are made of. */

import type { SchemaObject } from "../schema-view.ts";

export interface SampleSchema {
  readonly name: string;
  readonly schema: SchemaObject;
  /** Values that must be accepted. */
  readonly accepted: readonly unknown[];
  /** Values that must be refused. */
  readonly refused: readonly unknown[];
}

export const text = { type: "string" };
export const whole = { type: "integer" };
export const number = { type: "number" };
export const flag = { type: "boolean" };
export const nothing = { type: "null" };

/** As strict structured outputs want it: everything required, nothing else allowed. */
export function strict(properties: SchemaObject): SchemaObject {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

export function object(properties: SchemaObject, rest: SchemaObject = {}): SchemaObject {
  return { type: "object", properties, ...rest };
}

export const nullable = (schema: SchemaObject) => ({ anyOf: [schema, nothing] });
export const listOf = (items: SchemaObject, rest: SchemaObject = {}) => ({ type: "array", items, ...rest });
