/** Client secrets of the reference server: what is asked for, and what is made of it. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { openSession } from "../realtime/handlers.ts";
import { readAt } from "../realtime/session.ts";
import { UPDATE_RULES } from "../realtime/update-rules.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { signClientSecret } from "../tokens.ts";
import { decodeJson } from "./decode-body.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";

export interface ClientSecret extends Answer {
  readonly account: string;
  /** Seconds. */
  readonly created: number;
}

const DEFAULT_SECONDS = 600;
const SHORTEST_SECONDS = 10;
const LONGEST_SECONDS = 7200;
/** The reference lives faster: the shortest secret ends before anybody gets bored. */
const SHORTEST_LIFETIME = 1;

/** Free of charge: the turns of its sessions are paid for. */
export const createClientSecret: ReferenceOperation<ClientSecret> = {
  isBilled: false,
  decode: decodeJson,
  validate: refuseSecret,
  estimate: () => 0,
  answer: (request, { created, account }) => ({ request, cost: 0, breaksAfter: null, account, created }),
  encode: composeSecret,
};

function refuseSecret({ session = {}, expires_after: expiry = {} }: Fields): Refusal | null {
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

export function composeSecret({ account, created, request }: ClientSecret): JsonObject {
  const { session, expires_after: expiry } = request;
  const asked = Number(readAt(expiry, ["seconds"]) ?? DEFAULT_SECONDS);
  const expiresAt = created + (asked === SHORTEST_SECONDS ? SHORTEST_LIFETIME : asked);
  const patch = isJsonObject(session) ? session : {};
  const kind = patch["type"] === "realtime" ? "realtime" : "transcription";
  const opening = { number: 0, kind, model: null, created, patch, isBeta: false } as const;
  const value = signClientSecret(account, expiresAt, patch);
  return { value, expires_at: expiresAt, session: openSession(opening).session.config };
}
