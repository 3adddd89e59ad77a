/** Checks of messages that a server can't use: each is answered with an error, and the session goes on. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { PCM } from "../support/realtime-audio.ts";
import { requireTranscribed } from "../support/realtime-records.ts";
import {
  awaitEnds,
  COMPLETED,
  describeConnection,
  errorsOf,
  expectOn,
  isAlive,
  openConfigured,
  openSession,
  REALTIME,
  sendAudio,
  sendCommit,
} from "../support/realtime-calls.ts";
import { OWNERS } from "../support/owners.ts";

/** That a session survives most mistakes is said of no mistake in particular: each row is a should. */
const FAULTS = {
  ...REALTIME,
  reference: "OpenAPI RealtimeServerEventError: most errors are recoverable and the session will stay open",
} as const;

export interface Fault {
  readonly slug: string;
  readonly what: string;
  /** A string goes out as it is. */
  readonly message: string | JsonObject;
  readonly breaks: string;
}

export const FAULT_ROWS: readonly Fault[] = [
  {
    slug: "unknown-event",
    what: "An event that does not exist",
    message: { type: "conformance.no_such_event" },
    breaks: "A client that is newer than the server loses its session over an event that it could do without.",
  },
  {
    slug: "malformed-json",
    what: "A message that is no JSON",
    message: '{"type":"input_audio_buffer.append","audio":',
    breaks: "One defective message ends a whole recording.",
  },
  {
    slug: "empty-text",
    what: "An empty message",
    message: "",
    breaks: "A keep-alive of a client ends its session.",
  },
  {
    slug: "null",
    what: "The message `null`",
    message: "null",
    breaks: "A server that reads `null.type` crashes with all of its sessions.",
  },
  {
    slug: "array",
    what: "A list",
    message: '[{"type":"input_audio_buffer.clear"}]',
    breaks: "A server that reads a field of it crashes, or says nothing.",
  },
  {
    slug: "no-type",
    what: "An event without `type`",
    message: { audio: "AAAA" },
    breaks: "A defect of the client goes unnoticed, or ends the session.",
  },
  {
    slug: "type-number",
    what: "A `type` that is a number",
    message: { type: 7 },
    breaks: "No client sends it; a server that compares it as text loses the session.",
  },
  {
    slug: "session-null",
    what: "An update whose session is `null`",
    message: { type: "session.update", session: null },
    breaks: "No client sends it; a server that merges it loses the session or its configuration.",
  },
  {
    slug: "append-without-audio",
    what: "An append without `audio`",
    message: { type: "input_audio_buffer.append" },
    breaks: "A client that misspells the field sends a whole recording to nobody.",
  },
  {
    slug: "append-number",
    what: "An append whose `audio` is a number",
    message: { type: "input_audio_buffer.append", audio: 42 },
    breaks: "No client sends it; a server that decodes it loses the session.",
  },
  {
    slug: "append-not-base64",
    what: "Audio that is no base64",
    message: { type: "input_audio_buffer.append", audio: "this is *not* base64!" },
    breaks: "Noise is transcribed, and nothing says why the text is wrong.",
  },
  {
    slug: "deep",
    what: "A message that is nested twenty thousand deep",
    message: `{"type":"session.update","session":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`,
    breaks: "No client sends it; a server that walks it runs out of stack, and loses the session.",
  },
  {
    slug: "long-event-id",
    what: "An `event_id` of a thousand characters",
    message: { type: "conformance.no_such_event", event_id: "e".repeat(1000) },
    breaks: "The documented bound of 512 is none, and the server repeats whatever it is sent.",
  },
];

/** The error among the events that a message led to, in a session that goes on. @throws Failure */
async function provoke(context: CheckContext, connection: RealtimeConnection, message: string | JsonObject) {
  const from = connection.events.length;
  connection.send(message);
  const alive = await isAlive(context, connection);
  return { alive, error: errorsOf(connection.events.slice(from))[0] ?? null };
}

const rowChecks = FAULT_ROWS.map(({ slug, what, message, breaks }) =>
  defineCheck({
    ...FAULTS,
    id: `realtime.fault.${slug}`,
    level: "should",
    requirement: `${what} is answered with an \`error\`, and the session goes on.`,
    breaks,
    async run(context) {
      const connection = await openSession(context);
      const { alive, error } = await provoke(context, connection, message);
      const actual = describeConnection(connection);
      expectOn(connection, alive, { observer: "wire", expected: "a session that goes on", actual });
      expectOn(connection, error !== null, { observer: "wire", expected: "an error", actual });
    },
  }),
);

/** The error to an event that does not exist. @throws Inconclusive */
async function requireError(context: CheckContext, throughSdk = false) {
  const connection = await openSession(context, { throughSdk });
  const message = { type: "conformance.no_such_event", event_id: "conformance-4711" };
  const { error } = await provoke(context, connection, message);
  if (error === null)
    throw new Inconclusive(
      "an event that does not exist is no error, which another check judges",
      OWNERS.liveUnknownEvent,
    );
  const { error: details } = error;
  return { connection, error, details: isJsonObject(details) ? details : null };
}

export const realtimeFaultChecks: readonly Check[] = [
  ...rowChecks,
  defineCheck({
    ...FAULTS,
    id: "realtime.fault.shape",
    requirement: "An `error` has its details in `error`: a type and a message.",
    reference: "OpenAPI RealtimeServerEventError; RealtimeServerEventErrorError",
    breaks: "Clients show `undefined`, where the reason stood beside `type`.",
    async run(context) {
      const { connection, error, details } = await requireError(context);
      const holds =
        typeof details?.["type"] === "string" && typeof details["message"] === "string" && details["message"] !== "";
      const actual = JSON.stringify(error);
      expectOn(connection, holds, { observer: "schema", expected: "error.type and error.message", actual });
    },
  }),
  defineCheck({
    ...FAULTS,
    id: "realtime.fault.sdk",
    needs: [...FAULTS.needs, "sdk:realtime-intent"],
    requirement: "The official SDK gives an error's details to its `error` listener.",
    reference: "openai-node realtime/internal-base.ts _onError",
    breaks: "The listener gets an error whose `error` is undefined, and says `unknown error`.",
    async run(context) {
      const { connection } = await requireError(context, true);
      const details = connection.sdk.errors.map(({ error }) => error).find(isJsonObject);
      const holds = typeof details?.["message"] === "string";
      const actual = JSON.stringify(connection.sdk.errors);
      expectOn(connection, holds, { observer: "sdk", expected: "an error with a message", actual });
    },
  }),
  defineCheck({
    ...FAULTS,
    id: "realtime.fault.event-id",
    requirement: "An error names the client's event that led to it: `error.event_id`.",
    reference: "OpenAPI RealtimeServerEventErrorError.event_id",
    breaks: "Clients that sent ten events can't tell which of them failed.",
    async run(context) {
      const { connection, details } = await requireError(context);
      if (details === null)
        throw new Inconclusive("the error has no details, which another check judges", OWNERS.liveErrorShape);
      const actual = JSON.stringify(details["event_id"]);
      const holds = details["event_id"] === "conformance-4711";
      expectOn(connection, holds, { observer: "wire", expected: '"conformance-4711"', actual });
    },
  }),
  defineCheck({
    ...FAULTS,
    id: "realtime.fault.response-create",
    level: "should",
    requirement: "`response.create` in a transcription session is answered with an `error`, and the session goes on.",
    reference: "OpenAPI RealtimeClientEventResponseCreate; a transcription session has no responses",
    breaks: "Voice clients wait for an answer that nobody gives.",
    async run(context) {
      const connection = await openSession(context);
      const { alive, error } = await provoke(context, connection, { type: "response.create" });
      const actual = describeConnection(connection);
      expectOn(connection, alive && error !== null, { observer: "wire", expected: "an error, and a session", actual });
    },
  }),
  defineCheck({
    ...FAULTS,
    id: "realtime.fault.then-turn",
    requirement: "After an error a turn of the same session works.",
    breaks: "One mistake of a client spoils everything that is said after it.",
    async run(context) {
      await requireTranscribed(context);
      const connection = await openConfigured(context);
      await provoke(context, connection, { type: "conformance.no_such_event" });
      sendCommit(connection);
      sendAudio(connection, PCM.spoken);
      sendCommit(connection);
      await awaitEnds(connection, 1, context.patienceMs);
      const holds = connection.events.some(({ value }) => value["type"] === COMPLETED);
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "a transcription", actual });
    },
  }),
];
