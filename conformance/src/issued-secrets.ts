/** The secrets that a server issues in a run, found by where they stand in its answers: they look like anything. */

import type { Exchange } from "./exchange.ts";
import { isJsonObject } from "./json-object.ts";
import { bodyText } from "./response-body.ts";

/** Operations that answer with a credential: that of the document, and those that it replaces. */
const ISSUING = /\/realtime\/(?:client_secrets|sessions|transcription_sessions)(?:\?|$)/;
const SECRET_KEYS = new Set(["value", "client_secret", "secret", "token", "key", "api_key"]);
/** Answers are nested less than this. */
const DEPTH_MAX = 8;

/**
 * What must not leave the process. Each secret comes with its second half: a check that changes one character of it
 * sends the rest.
 */
export function listIssuedSecrets(exchange: Exchange): readonly string[] {
  if (!ISSUING.test(exchange.request.url)) return [];
  const found: string[] = [];
  const visit = (value: unknown, isSecret: boolean, depth: number): void => {
    if (typeof value === "string" && isSecret) found.push(value, value.slice(Math.floor(value.length / 2) + 1));
    if (depth === DEPTH_MAX) return;
    if (Array.isArray(value)) for (const element of value) visit(element, isSecret, depth + 1);
    if (!isJsonObject(value)) return;
    for (const [name, member] of Object.entries(value)) visit(member, SECRET_KEYS.has(name), depth + 1);
  };
  visit(parseOrNull(bodyText(exchange)), false, 0);
  return found;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
