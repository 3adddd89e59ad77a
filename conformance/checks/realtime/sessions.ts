/** Checks of what a session says of itself: its first event, the echo of an update, and updates that are refused. */

import { type Check, defineCheck } from "../../src/check.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { PCM } from "../support/realtime-audio.ts";
import {
  composeInput,
  composeUpdate,
  expectOn,
  openConfigured,
  openSession,
  REALTIME,
  requireUpdated,
  SERVER_VAD,
} from "../support/realtime-calls.ts";
import { everyRecord, recordOf, type RecordName, type SessionRecord } from "../support/realtime-records.ts";
import { isUnixSeconds } from "../support/values.ts";
import { OWNERS } from "../support/owners.ts";

const SESSION = {
  ...REALTIME,
  reference: "OpenAPI RealtimeTranscriptionSessionCreateResponseGA; RealtimeServerEventSessionUpdated",
} as const;

const SESSION_OWNERS = { "session.created": OWNERS.liveCreated, "session.updated": OWNERS.liveUpdated } as const;

/** The first session that an event of this type holds. @throws Inconclusive */
function requireSession(record: SessionRecord, type: "session.created" | "session.updated"): JsonObject {
  const session = record.events.find(({ value }) => value["type"] === type)?.value["session"];
  if (isJsonObject(session)) return session;
  throw new Inconclusive(`this needs ${type}, which another check judges`, SESSION_OWNERS[type]);
}

/** What stands at a dotted path. */
function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => (isJsonObject(inner) ? inner[name] : undefined), value);
}

/** @throws Failure unless `audio.input` has these values */
function expectInput(connection: RealtimeConnection, session: JsonObject, values: JsonObject): void {
  const found = Object.keys(values).map((path) => [path, at(session, `audio.input.${path}`)]);
  const [expected, actual] = [JSON.stringify(values), JSON.stringify(Object.fromEntries(found))];
  expectOn(connection, actual === expected, { observer: "wire", expected, actual });
}

const KINDS: readonly { readonly record: RecordName; readonly kind: "transcription" | "realtime" }[] = [
  { record: "manual", kind: "transcription" },
  { record: "model", kind: "realtime" },
];

export const realtimeSessionChecks: readonly Check[] = [
  defineCheck({
    ...SESSION,
    id: "realtime.session.created-first",
    requirement: "The first event of every session is `session.created`, before the client has sent anything.",
    reference: "OpenAPI RealtimeServerEventSessionCreated; OpenWhispr/openwhispr#811; theopenco/llmgateway#3777",
    breaks: "Clients wait for it before they send audio, and wait for ever.",
    async run(context) {
      for (const record of await everyRecord(context)) {
        const type = String(record.events[0]?.value["type"]);
        const isFirst = record.exchange().messages?.[0]?.from === "server";
        const holds = isFirst && type === "session.created";
        const actual = isFirst ? type : `${type}, after the client's first message`;
        expectOn(record, holds, { observer: "wire", expected: "session.created", actual });
      }
    },
  }),
  ...KINDS.map(({ record: name, kind }) =>
    defineCheck({
      ...SESSION,
      id: `realtime.session.kind-${kind}`,
      requirement: `A session that was opened ${kind === "realtime" ? "with a model" : "for transcription"} has the type \`${kind}\`.`,
      reference: "OpenAPI RealtimeServerEventSessionCreated.session.type",
      breaks: "The next `session.update` names another type, and is refused.",
      async run(context) {
        const record = await recordOf(context, name);
        const actual = String(requireSession(record, "session.created")["type"]);
        expectOn(record, actual === kind, { observer: "wire", expected: kind, actual });
      },
    }),
  ),
  defineCheck({
    ...SESSION,
    id: "realtime.session.id",
    requirement: "A session has an id and the name of its kind of object, and keeps them when it is updated.",
    breaks: "Clients file transcripts and support cases under `session.id`.",
    async run(context) {
      const ids = new Set<string>();
      const records = await everyRecord(context);
      for (const record of records) {
        const [created, updated] = [
          requireSession(record, "session.created"),
          requireSession(record, "session.updated"),
        ];
        const { id, object } = created;
        const isNamed = typeof id === "string" && id !== "" && typeof object === "string" && object !== "";
        const holds = isNamed && updated["id"] === id && updated["object"] === object;
        const actual = JSON.stringify([id, object, updated["id"], updated["object"]]);
        expectOn(record, holds, { observer: "schema", expected: "an id and an object that stay", actual });
        ids.add(id);
      }
      const [first] = records;
      const actual = `${ids.size} ids of ${records.length} sessions`;
      if (first !== undefined)
        expectOn(first, ids.size === records.length, { observer: "wire", expected: "an id each", actual });
    },
  }),
  defineCheck({
    ...SESSION,
    id: "realtime.session.expires-at",
    level: "should",
    requirement: "A session says when it ends: `expires_at` is a time ahead, in seconds.",
    reference: "OpenAPI RealtimeTranscriptionSessionCreateResponseGA.expires_at (unixtime)",
    breaks: "Clients that reconnect in time are cut off in the middle of a sentence.",
    async run(context) {
      const record = await recordOf(context, "manual");
      const expiresAt = requireSession(record, "session.created")["expires_at"];
      if (expiresAt === undefined) throw new NotTestable("the session does not say when it ends, and need not");
      // A clock that is a little behind is no fault.
      const holds = typeof expiresAt === "number" && isUnixSeconds(expiresAt) && expiresAt > Date.now() / 1000 - 300;
      expectOn(record, holds, { observer: "wire", expected: "seconds ahead", actual: JSON.stringify(expiresAt) });
    },
  }),
  defineCheck({
    ...SESSION,
    id: "realtime.session.updated",
    requirement: "A `session.update` of the current shape is answered with `session.updated` in both kinds of session.",
    reference: "OpenAPI RealtimeClientEventSessionUpdate; openai/openai-node#1641; OpenWhispr/openwhispr#811",
    breaks: "Clients that were moved from the beta can't configure a session, and send no audio.",
    async run(context) {
      for (const record of await everyRecord(context)) {
        const hasBegun = record.events.some(({ value }) => value["type"] === "session.created");
        if (!hasBegun)
          throw new Inconclusive("this needs session.created, which another check judges", OWNERS.liveCreated);
        const types = record.events.map(({ value }) => String(value["type"]));
        const holds = types.includes("session.updated");
        expectOn(record, holds, { observer: "wire", expected: "session.updated", actual: types.join(", ") });
      }
    },
  }),
  defineCheck({
    ...SESSION,
    id: "realtime.session.echo",
    requirement: "`session.updated` has the configuration as it is now: format, model, language and turn detection.",
    reference: "OpenAPI RealtimeServerEventSessionUpdated: the full, effective configuration",
    breaks: "Clients that compare what they asked for send audio in a format that is not the session's.",
    async run(context) {
      const connection = await openSession(context);
      const model = String(context.models.transcription);
      const input = { format: PCM.format, transcription: { model, language: "en" }, turn_detection: SERVER_VAD };
      const session = await requireUpdated(context, connection, composeInput(input));
      expectInput(connection, session, {
        "format.type": "audio/pcm",
        "format.rate": 24_000,
        "transcription.model": model,
        "transcription.language": "en",
        "turn_detection.type": "server_vad",
        "turn_detection.silence_duration_ms": 500,
      });
    },
  }),
  defineCheck({
    ...SESSION,
    id: "realtime.session.deep-merge",
    requirement: "An update changes what it names and nothing beside it, however deep that is.",
    reference:
      "OpenAPI RealtimeClientEventSessionUpdate: only the fields present are updated; sgl-project/sglang-omni#385",
    breaks: "A client that changes the language loses its turn detection, and no turn ever ends.",
    async run(context) {
      const detection = { ...SERVER_VAD, threshold: 0.6, prefix_padding_ms: 250 };
      const connection = await openConfigured(context, { detection });
      const patch = { turn_detection: { type: "server_vad", silence_duration_ms: 700 } };
      const session = await requireUpdated(context, connection, composeInput(patch));
      expectInput(connection, session, {
        "turn_detection.threshold": 0.6,
        "turn_detection.prefix_padding_ms": 250,
        "turn_detection.silence_duration_ms": 700,
        "format.type": "audio/pcm",
      });
    },
  }),
  defineCheck({
    ...SESSION,
    id: "realtime.session.detection-off",
    requirement: "`turn_detection: null` turns detection off, and `session.updated` has that null.",
    reference: "OpenAPI RealtimeTurnDetection: null turns it off; livekit/agents#1347",
    breaks: "Push-to-talk clients get turns that they did not end.",
    async run(context) {
      const connection = await openConfigured(context, { detection: SERVER_VAD });
      const session = await requireUpdated(context, connection, composeUpdate(context));
      const detection = at(session, "audio.input.turn_detection");
      const actual = JSON.stringify(detection);
      expectOn(connection, detection === null, { observer: "wire", expected: "null", actual });
    },
  }),
];
