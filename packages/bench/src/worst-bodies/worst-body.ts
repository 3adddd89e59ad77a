/** A request within the limits that is as costly as its kind can be, and the parts that such requests are made of. */

export interface WorstBody {
  readonly name: string;
  readonly path: "/chat/completions" | "/completions" | "/embeddings";
  /** Makes the body; called once, before anything is measured. */
  readonly make: () => string;
}

/** A little below what a body may have by default. */
export const BYTES = 33_000_000;
/** A little below how many values a body may hold by default. */
export const VALUES = 99_000;

export function fill<Value>(count: number, value: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, index) => value(index));
}

export function chatBody(name: string, fields: () => Readonly<Record<string, unknown>>): WorstBody {
  return { name, path: "/chat/completions", make: () => JSON.stringify({ ...SHORT, ...ASKED, ...fields() }) };
}

export function completionBody(name: string, fields: () => Readonly<Record<string, unknown>>): WorstBody {
  return { name, path: "/completions", make: () => JSON.stringify({ ...SHORT, ...fields() }) };
}

export function embeddingBody(name: string, fields: () => Readonly<Record<string, unknown>>): WorstBody {
  return { name, path: "/embeddings", make: () => JSON.stringify({ model: "embedding", ...fields() }) };
}

/** The text of a chat's body as it is, with other text in place of a member: what no serialiser would write. */
export function rawBody(name: string, member: () => string): WorstBody {
  const make = () => `{"model":"local","max_tokens":1,"messages":[{"role":"user","content":"Hi"}],${member()}}`;
  return { name, path: "/chat/completions", make };
}

const SHORT = { model: "local", max_tokens: 1 };
const ASKED = { messages: [{ role: "user", content: "Hi" }] };
