/** Client secrets of the reference server: what is asked for, and what is made of it. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { signClientSecret } from "../tokens.ts";
import { openSession } from "./handlers.ts";
import { readAt, type SecretRequest } from "./session.ts";
import { UPDATE_RULES } from "./update-rules.ts";

const DEFAULT_SECONDS = 600;
const SHORTEST_SECONDS = 10;
const LONGEST_SECONDS = 7200;
/** The reference lives faster: the shortest secret ends before anybody gets bored. */
const SHORTEST_LIFETIME = 1;

/** What is wrong with what is asked for. */
export function refuseSecret({ body }: SecretRequest): Refusal | null {
  const { session = {}, expires_after: expiry = {} } = body;
  const seconds = readAt(expiry, ["seconds"]);
  const isLifetime =
    seconds === undefined || (typeof seconds === "number" && seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS);
  if (!isLifetime) return makeRefusal("invalid_value", { param: "expires_after.seconds" });
  const patch = isJsonObject(session) ? session : {};
  const kind = patch["type"] === "realtime" ? "realtime" : "transcription";
  const opened = openSession({ number: 0, kind, model: null, created: 0, patch: {}, isBeta: false }).session;
  const fault = Object.values(UPDATE_RULES).find((rule) => rule({ type: kind, ...patch }, opened) !== null);
  return fault === undefined ? null : makeRefusal("invalid_value", { param: "session" });
}

export function composeSecret({ account, now, body }: SecretRequest): JsonObject {
  const { session, expires_after: expiry } = body;
  const asked = Number(readAt(expiry, ["seconds"]) ?? DEFAULT_SECONDS);
  const expiresAt = now + (asked === SHORTEST_SECONDS ? SHORTEST_LIFETIME : asked);
  const patch = isJsonObject(session) ? session : {};
  const kind = patch["type"] === "realtime" ? "realtime" : "transcription";
  const opening = { number: 0, kind, model: null, created: now, patch, isBeta: false } as const;
  const value = signClientSecret(account, expiresAt, patch);
  return { value, expires_at: expiresAt, session: openSession(opening).session.config };
}
