/** The table of a realtime connection that conforms. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal } from "../refusal.ts";
import { OPCODES, writeClose, writeFrame } from "./frames.ts";
import {
  append,
  BETA_CLOSE,
  BETA_FAULT,
  clear,
  commit,
  composeTranscript,
  composeTurn,
  decodeAudio,
  detect,
  fail,
  hear,
  openSession,
  update,
} from "./handlers.ts";
import type { RealtimeWire, Upgrade, Violation } from "./realtime-wire.ts";
import { type Close, composeError, mergeDeeply } from "./session.ts";
import { UPDATE_RULES } from "./update-rules.ts";

export function defineRealtimeWire(): RealtimeWire {
  return {
    handshake: ({ headers }) => {
      if (headers["sec-websocket-version"] !== "13") {
        return makeRefusal("upgrade_required", { headers: { "sec-websocket-version": "13" } });
      }
      const { "sec-websocket-key": key = "" } = headers;
      return Buffer.from(key, "base64").length === 16 ? null : makeRefusal("invalid_value");
    },
    credential: readUpgradeCredential,
    admit: (verdict) => {
      if (verdict === "full") return null;
      return makeRefusal(verdict === "no-capability" ? "capability_missing" : "unauthenticated");
    },
    validate: ({ parameters: { intent, model } }) => {
      if (intent === undefined && model === undefined) return makeRefusal("missing_parameter", { param: "model" });
      if (intent !== undefined && intent !== "transcription") return makeRefusal("invalid_value", { param: "intent" });
      const message = "You must not provide a model parameter for transcription sessions.";
      return intent === undefined || model === undefined
        ? null
        : makeRefusal("invalid_value", { param: "model", message });
    },
    protocol: ({ offered }) => (offered.includes("realtime") ? "realtime" : null),
    headers: () => ({}),
    head: (lines) => lines,
    isBeta: ({ headers, offered }) =>
      headers["openai-beta"] === "realtime=v1" || offered.includes("openai-beta.realtime-v1"),
    isFree: () => false,
    isLimited: () => true,
    costOf: () => TURN_COST,
    open: openSession,
    parse: parseMessage,
    update,
    updateRules: UPDATE_RULES,
    merge: mergeDeeply,
    append,
    decodeAudio,
    detect,
    commit,
    refuseCommit: fail,
    clear,
    turn: composeTurn,
    transcribe: composeTranscript,
    hear,
    refuseUnknown: (session, message) =>
      fail(session, { code: "unknown_event", message: "There is no such event.", param: "type" }, message),
    refuseResponse: (session, message) =>
      fail(session, { code: "unsupported_event", message: "This session only transcribes.", param: "type" }, message),
    refuseType: (session, message) =>
      fail(session, { code: "missing_required_parameter", message: "Send a type.", param: "type" }, message),
    refuseBeta: (session, message) => ({
      session,
      events: [composeError(BETA_FAULT, message["event_id"])],
      close: BETA_CLOSE,
    }),
    handlesLongId: (session, fault) => fail(session, fault, {}),
    step: (step) => step,
    stamp: (event, { session, number }) => ({ event_id: `event_${session}x${number}`, ...event }),
    frame: (event) => writeFrame(OPCODES.text, Buffer.from(JSON.stringify(event))),
    holds: () => false,
    join: (fragments) => Buffer.concat(fragments),
    pong: (payload) => writeFrame(OPCODES.pong, payload),
    closeReply: (code) => (code === 1005 ? writeFrame(OPCODES.close, Buffer.alloc(0)) : writeClose(code, "")),
    lost: () => {},
    violation: (violation) => VIOLATIONS[violation],
  };
}

/** Credits of a turn, whatever its length. */
const TURN_COST = 16;

const VIOLATIONS: Readonly<Record<Violation, Close | "error">> = {
  unmasked: { code: 1002, reason: "mask your frames" },
  "reserved-bits": { code: 1002, reason: "reserved bits" },
  opcode: { code: 1002, reason: "unknown opcode" },
  "lost-fragment": { code: 1002, reason: "a fragment of nothing" },
  "not-utf8": { code: 1007, reason: "not UTF-8" },
  "too-large": { code: 1009, reason: "too large" },
  binary: "error",
};

const KEY_PROTOCOL = "openai-insecure-api-key.";

/** The header wins over the subprotocol, which wins over the query. */
function readUpgradeCredential({ headers, parameters, offered }: Upgrade): string | undefined {
  const protocol = offered.find((name) => name.startsWith(KEY_PROTOCOL));
  if (headers["authorization"] !== undefined) return headers["authorization"];
  if (protocol !== undefined) return `Bearer ${protocol.slice(KEY_PROTOCOL.length)}`;
  return parameters["token"] === undefined ? undefined : `Bearer ${parameters["token"]}`;
}

export function parseMessage(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
