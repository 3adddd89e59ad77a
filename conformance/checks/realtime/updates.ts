/** Checks of updates of a session: what clients send that must be taken, and what must be refused. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  composeUpdate,
  describeConnection,
  errorsOf,
  expectOn,
  isAlive,
  modelQuery,
  openConfigured,
  openSession,
  REALTIME,
  requireConfigurable,
  requireUpdated,
  SERVER_VAD,
  sendUpdate,
  throwIfRefused,
} from "../support/realtime-calls.ts";
import { OWNERS } from "../support/owners.ts";

const UPDATE = {
  ...REALTIME,
  reference: "OpenAPI RealtimeClientEventSessionUpdate; RealtimeTranscriptionSessionCreateRequestGA",
} as const;

interface Accepted {
  readonly slug: string;
  readonly what: string;
  readonly input: JsonObject;
  readonly more?: JsonObject;
  readonly words: readonly string[];
  readonly breaks: string;
}

/** What OpenAI's clients send that need not have an effect. */
const ACCEPTED: readonly Accepted[] = [
  {
    slug: "noise-reduction",
    what: "`noise_reduction`",
    input: { noise_reduction: { type: "near_field" } },
    words: ["noise_reduction"],
    breaks: "LiveKit and the samples of OpenAI send it; their whole update is refused.",
  },
  {
    slug: "logprobs",
    what: "`include` with the probabilities of the tokens",
    input: {},
    more: { include: ["item.input_audio_transcription.logprobs"] },
    words: ["include"],
    breaks: "Clients that mark uncertain words can't configure a session.",
  },
  {
    slug: "prompt",
    what: "A language and a prompt",
    input: { transcription: { language: "en", prompt: "An inaugural address." } },
    words: ["prompt", "language"],
    breaks: "Dictation that knows its language can't say so.",
  },
  {
    slug: "semantic-detection",
    what: "`semantic_vad`",
    input: { turn_detection: { type: "semantic_vad", eagerness: "auto" } },
    words: ["semantic_vad", "turn_detection"],
    breaks: "Clients with the newer detection can't configure a session.",
  },
];

const acceptedChecks = ACCEPTED.map(({ slug, what, input, more = {}, words, breaks }) =>
  defineCheck({
    ...UPDATE,
    id: `realtime.session.accepts-${slug}`,
    level: "should",
    requirement: `${what} in a session is accepted, with its effect or none.`,
    reference: "OpenAPI RealtimeTranscriptionSessionCreateRequestGA",
    breaks,
    async run(context) {
      const connection = await openConfigured(context);
      const update = { type: "session.update", session: { type: "transcription", audio: { input }, ...more } };
      const { session, error } = await sendUpdate(context, connection, update);
      throwIfRefused(error, ...words);
      const actual = error === null ? describeConnection(connection) : JSON.stringify(error);
      expectOn(connection, session !== null, { observer: "wire", expected: "session.updated", actual });
    },
  }),
);

const VOICE = {
  instructions: "Be brief.",
  output_modalities: ["text"],
  tools: [{ type: "function", name: "look", parameters: { type: "object", properties: {} } }],
  tool_choice: "auto",
};

const voiceCheck = defineCheck({
  ...UPDATE,
  id: "realtime.session.accepts-voice",
  level: "should",
  requirement:
    "A session of a model accepts what clients configure for answers: voice, tools, instructions and the like.",
  reference: "OpenAPI RealtimeSessionCreateRequestGA; onyx-dot-app/onyx#11323",
  breaks: "Clients that transcribe in a voice session, as many do, can't configure it.",
  async run(context) {
    await requireConfigurable(context);
    const connection = await openSession(context, { query: modelQuery(context) });
    const { session: patch } = composeUpdate(context, { type: "realtime" });
    const session = { ...(isJsonObject(patch) ? patch : {}), ...VOICE };
    const { session: updated, error } = await sendUpdate(context, connection, { type: "session.update", session });
    throwIfRefused(error, "instructions", "output_modalities", "tools", "tool_choice");
    const actual = error === null ? describeConnection(connection) : JSON.stringify(error);
    expectOn(connection, updated !== null, { observer: "wire", expected: "session.updated", actual });
  },
});

interface RefusedUpdate {
  readonly slug: string;
  readonly level: "must" | "should";
  readonly what: string;
  readonly session: JsonObject;
  readonly code?: string;
  readonly param?: string;
  /** What the session may say instead, so that nobody is misled. */
  readonly unless?: {
    readonly what: string;
    readonly isToldBy: (session: JsonObject) => boolean;
  };
  readonly breaks: string;
}

const UNKNOWN_MODEL = "conformance-no-such-model";

/** Servers of one model, and gateways that fix a session's model, say so in the session. */
function namesAnotherModel({ audio }: JsonObject): boolean {
  const { input: heard } = isJsonObject(audio) ? audio : {};
  const { transcription } = isJsonObject(heard) ? heard : {};
  const { model } = isJsonObject(transcription) ? transcription : {};
  return typeof model === "string" && model !== "" && model !== UNKNOWN_MODEL;
}

const input = (patch: JsonObject): JsonObject => ({ type: "transcription", audio: { input: patch } });

const REFUSED: readonly RefusedUpdate[] = [
  {
    slug: "no-type",
    level: "should",
    what: "An update without `session.type`",
    session: { audio: { input: {} } },
    code: "missing_required_parameter",
    param: "session.type",
    breaks: "Clients of the beta don't learn what they have to change.",
  },
  {
    slug: "other-type",
    level: "should",
    what: "An update of the other kind of session",
    session: { type: "realtime", audio: { input: {} } },
    breaks: "A client believes that it has a session which it has not.",
  },
  {
    slug: "unknown-parameter",
    level: "should",
    what: "A misspelt parameter",
    session: input({ turn_detektion: null }),
    code: "unknown_parameter",
    breaks: "A typo goes unnoticed, and the session ends turns as it likes.",
  },
  {
    slug: "unknown-format",
    level: "must",
    what: "An audio format that does not exist",
    session: input({ format: { type: "audio/conformance" } }),
    breaks: "Audio is taken for another format: noise is transcribed.",
  },
  {
    slug: "unknown-detection",
    level: "should",
    what: "A turn detection that does not exist",
    session: input({ turn_detection: { type: "conformance_vad" } }),
    breaks: "The client waits for turns that nobody detects.",
  },
  {
    slug: "negative-silence",
    level: "should",
    what: "A pause of negative length",
    session: input({ turn_detection: { type: "server_vad", silence_duration_ms: -1 } }),
    breaks: "Every sample ends a turn.",
  },
  {
    slug: "threshold-beyond-one",
    level: "should",
    what: "A threshold beyond 1",
    session: input({ turn_detection: { type: "server_vad", threshold: 17 } }),
    breaks: "Nobody is ever heard.",
  },
  {
    slug: "language-number",
    level: "should",
    what: "A language that is no string",
    session: input({ transcription: { language: 7 } }),
    breaks: "A defect of the client shows only as a wrong text.",
  },
  {
    slug: "unknown-model",
    level: "should",
    what: "A transcription model that does not exist",
    session: input({ transcription: { model: UNKNOWN_MODEL } }),
    code: "model_not_found",
    unless: { what: "the session names the model that is used", isToldBy: namesAnotherModel },
    breaks: "The client pays for another model, or waits for a text that never comes.",
  },
];

/** The error, of a session that was not changed and goes on. @throws Failure, Inconclusive */
async function expectUpdateRefused(context: CheckContext, row: RefusedUpdate): Promise<void> {
  const connection = await openConfigured(context);
  const eventId = `conformance-${row.slug}`;
  const update = { type: "session.update", event_id: eventId, session: row.session };
  const { session, error } = await sendUpdate(context, connection, update);
  if (session !== null && row.unless?.isToldBy(session) === true) return;
  const seen = session === null ? JSON.stringify(error) : "session.updated";
  expectOn(connection, error !== null, { observer: "wire", expected: "an error", actual: seen });
  const { code, param } = error;
  // The document lets a server leave the parameter out.
  const isNamed = (row.code ?? code) === code && (row.param ?? param) === (param ?? row.param);
  const expected = `an error with ${[row.code, row.param].filter((name) => name !== undefined).join(" and ")}`;
  expectOn(connection, isNamed, { observer: "wire", expected, actual: seen });
  const alive = await isAlive(context, connection);
  const actual = describeConnection(connection);
  expectOn(connection, alive, { observer: "wire", expected: "a session that goes on", actual });
}

const refusedChecks = REFUSED.map((row) =>
  defineCheck({
    ...UPDATE,
    id: `realtime.session.refuses-${row.slug}`,
    level: row.level,
    requirement: `${row.what} is refused with an \`error\`${row.code === undefined ? "" : ` of the code \`${row.code}\``}, and the session goes on${row.unless === undefined ? "" : `, or ${row.unless.what}`}.`,
    reference: "OpenAPI RealtimeServerEventError; RealtimeClientEventSessionUpdate",
    breaks: row.breaks,
    run: (context) => expectUpdateRefused(context, row),
  }),
);

const keptCheck = defineCheck({
  ...UPDATE,
  id: "realtime.session.refused-changes-nothing",
  level: "should",
  requirement: "An update that is refused changes nothing, not even what it had right.",
  breaks: "After an error the client's idea of the session and the server's differ.",
  async run(context) {
    const connection = await openConfigured(context, { detection: SERVER_VAD });
    const wrong = { transcription: { language: "de" }, format: { type: "audio/conformance" } };
    const refused = await sendUpdate(context, connection, { type: "session.update", session: input(wrong) });
    if (refused.error === null)
      throw new Inconclusive("the update was not refused, which another check judges", OWNERS.liveRefusedUpdate);
    const session = await requireUpdated(context, connection, {
      type: "session.update",
      session: input({ turn_detection: { type: "server_vad", silence_duration_ms: 600 } }),
    });
    const actual = JSON.stringify(session);
    const holds = !actual.includes('"de"') && !actual.includes("audio/conformance");
    const errors = errorsOf(connection.events).length;
    expectOn(connection, holds, {
      observer: "wire",
      expected: "the session as before",
      actual: `${actual} after ${errors} error`,
    });
  },
});

export const realtimeUpdateChecks: readonly Check[] = [...acceptedChecks, voiceCheck, ...refusedChecks, keptCheck];
