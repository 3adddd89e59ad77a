/**
 * Checks that send every parameter of a session and every message of a client that the document knows: with documented
 * values, which are taken or refused by name, and with values of a wrong type, which end no session.
 */

import { realtimeClientEventSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { groupBy } from "../../src/group-by.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, Unsupported } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { excerpt } from "../../src/response-body.ts";
import { JSON_TYPES, type JsonType } from "../support/plain-requests.ts";
import {
  describeConnection,
  errorsOf,
  expectOn,
  isAlive,
  modelQuery,
  openConfigured,
  openSession,
  REALTIME,
  sendUpdate,
} from "../support/realtime-calls.ts";
import { listEventFlaws } from "./flaws.ts";
import {
  composeParameter,
  REALTIME_PARAMETERS,
  type RealtimeParameter,
  type SessionType,
} from "../support/realtime-parameters.ts";
import { OWNERS } from "../support/owners.ts";

const PARAMETERS = {
  ...REALTIME,
  reference: "OpenAPI RealtimeClientEventSessionUpdate; RealtimeServerEventError: the session stays open",
} as const;

/** A session of the kind, whose turns end by a commit where it is one for transcription. */
function open(context: CheckContext, kind: SessionType): Promise<RealtimeConnection> {
  return kind === "transcription" ? openConfigured(context) : openSession(context, { query: modelQuery(context) });
}

/** What an update is about: `audio.input.turn_detection`, or a parameter of the session itself. */
function groupOf({ path }: RealtimeParameter): string {
  const names = path.split(".");
  return names.slice(0, names[0] === "audio" ? 3 : 1).join(".");
}

/** @returns whether it was taken: else an error named what was refused. @throws Failure */
async function isTaken(
  context: CheckContext,
  connection: RealtimeConnection,
  sent: { readonly parameter: RealtimeParameter; readonly value: unknown },
): Promise<boolean> {
  const { parameter, value } = sent;
  const update = { type: "session.update", session: composeParameter(parameter, value) };
  const { session, error } = await sendUpdate(context, connection, update);
  const asked = `${parameter.path} ${JSON.stringify(value)}`;
  const answer = error === null ? describeConnection(connection) : excerpt(JSON.stringify(error));
  const text = JSON.stringify([error?.["param"], error?.["message"]]);
  const isNamed = parameter.path.split(".").some((name) => name !== "audio" && name !== "type" && text.includes(name));
  const holds = session !== null || (isNamed && error?.["type"] !== "server_error");
  const expected = "session.updated, or an error that names the parameter";
  expectOn(connection, holds, { observer: "wire", expected, actual: `${answer} for ${asked}` });
  if (session !== null) expectEchoed(connection, session, sent);
  return session !== null;
}

/** What was taken is told as it was sent; what has no effect may be left out, or null. @throws Failure */
function expectEchoed(
  connection: RealtimeConnection,
  session: JsonObject,
  { parameter, value }: { readonly parameter: RealtimeParameter; readonly value: unknown },
): void {
  const told = readAt(session, parameter.path.split("."));
  const asked = `${parameter.path} ${JSON.stringify(value)}, or nothing there`;
  const holds = (told ?? null) === null || holdsAll(told, value);
  expectOn(connection, holds, { observer: "wire", expected: asked, actual: JSON.stringify(told) });
  const [flaw] = listEventFlaws(connection.events.slice(-1).map(({ value: event }) => event));
  const { expected = "", actual = "" } = flaw ?? {};
  expectOn(connection, flaw === undefined, { observer: "schema", expected, actual: excerpt(actual) });
}

function readAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isJsonObject(inner) ? inner[name] : undefined), value);
}

/** Whether all of what was sent is there; a server may add what it knows besides. */
function holdsAll(told: unknown, sent: unknown): boolean {
  if (Array.isArray(sent)) {
    return Array.isArray(told) && told.length === sent.length && sent.every((one, at) => holdsAll(told[at], one));
  }
  if (!isJsonObject(sent)) return told === sent;
  return isJsonObject(told) && Object.entries(sent).every(([name, member]) => holdsAll(told[name], member));
}

const legalChecks: readonly Check[] = [
  ...groupBy(
    REALTIME_PARAMETERS.filter(({ values }) => values.length > 0),
    groupOf,
  ),
].map(([group, parameters]) =>
  defineCheck({
    ...PARAMETERS,
    id: `realtime.invariants.legal-${group.replaceAll(/[._]/g, "-")}`,
    level: "should",
    requirement: `Every documented value below \`session.${group}\` is taken, and told as it was sent or not at all, or refused by name.`,
    breaks: "Clients that write their whole configuration out, as most do, can't configure a session, or lose it.",
    async run(context) {
      const connection = await open(context, parameters[0]?.kind ?? "transcription");
      const refused = new Set<string>();
      for (const parameter of parameters) {
        for (const value of parameter.values) {
          if (!(await isTaken(context, connection, { parameter, value }))) refused.add(parameter.path);
        }
      }
      if (refused.size > 0) throw new Unsupported(`the target refused ${[...refused].join(", ")}`);
    },
  }),
);

const WRONG: Readonly<Record<JsonType, unknown>> = {
  string: "hot",
  number: 7,
  boolean: true,
  array: ["hot"],
  object: { hot: true },
  null: null,
};

/** The fields of each message of a client, but for its type. */
const CLIENT_FIELDS: readonly { readonly type: string; readonly field: string }[] =
  realtimeClientEventSchema.options.flatMap(({ shape }) => {
    const { type, ...fields } = shape;
    return Object.keys(fields).map((field) => ({ type: type.value, field }));
  });

/** Messages with a value of the type where it does not belong. */
function listWrong(type: JsonType, kind: SessionType): readonly JsonObject[] {
  const updates = REALTIME_PARAMETERS.filter((parameter) => parameter.kind === kind && !parameter.types.includes(type));
  return [
    ...updates.map((parameter) => ({
      type: "session.update",
      session: composeParameter(parameter, WRONG[type]),
    })),
    ...(kind === "transcription" ? CLIENT_FIELDS : []).map(({ type: message, field }) => ({
      type: message,
      [field]: WRONG[type],
    })),
  ];
}

const typeChecks: readonly Check[] = JSON_TYPES.flatMap((type) =>
  (["transcription", "realtime"] as const).map((kind) =>
    defineCheck({
      ...PARAMETERS,
      id: `realtime.invariants.types-${kind}-${type}`,
      requirement: `A value of the type ${type} where the document has another one ends no ${kind} session.`,
      breaks: "One defective message ends a whole recording; a server that crashes over it ends those of others too.",
      async run(context) {
        const connection = await open(context, kind);
        for (const message of listWrong(type, kind)) {
          const from = connection.events.length;
          connection.send(message);
          const alive = await isAlive(context, connection);
          const actual = `${describeConnection(connection)} after ${excerpt(JSON.stringify(message))}`;
          expectOn(connection, alive, { observer: "wire", expected: "a session that goes on", actual });
          const broken = errorsOf(connection.events.slice(from)).find(isServerError);
          const expected = "no error of the server's own";
          const seen = `${JSON.stringify(broken)} after ${excerpt(JSON.stringify(message))}`;
          expectOn(connection, broken === undefined, { observer: "wire", expected, actual: seen });
        }
      },
    }),
  ),
);

function isServerError({ error }: JsonObject): boolean {
  return isJsonObject(error) && error["type"] === "server_error";
}

/** What a client may send that is no business of a transcription: a message of each kind, as clients send it. */
const OTHER_MESSAGES: readonly JsonObject[] = [
  {
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "Hello." }] },
  },
  { type: "conversation.item.retrieve", item_id: "item_conformance" },
  { type: "conversation.item.truncate", item_id: "item_conformance", content_index: 0, audio_end_ms: 100 },
  { type: "conversation.item.delete", item_id: "item_conformance" },
  { type: "output_audio_buffer.clear" },
  { type: "response.create" },
  { type: "response.cancel" },
];

const messageChecks: readonly Check[] = OTHER_MESSAGES.map((message) => {
  const type = String(message["type"]);
  return defineCheck({
    ...PARAMETERS,
    id: `realtime.invariants.client-${type.replaceAll(/[._]/g, "-")}`,
    level: "should",
    requirement: `\`${type}\` is answered, by its event or by an \`error\` of the client's, and the session goes on.`,
    reference: "OpenAPI RealtimeClientEvent; RealtimeServerEventError: the session stays open",
    breaks: "Voice clients that send it to every server wait for an answer, or lose their session.",
    async run(context) {
      const connection = await openConfigured(context);
      const from = connection.events.length;
      connection.send({ ...message, event_id: "conformance-4712" });
      const alive = await isAlive(context, connection);
      const actual = describeConnection(connection);
      expectOn(connection, alive, { observer: "wire", expected: "a session that goes on", actual });
      const answers = connection.events.slice(from).filter(({ value }) => value["type"] !== CLEARED);
      expectOn(connection, answers.length > 0, { observer: "wire", expected: "an event, or an error", actual });
      const [error] = errorsOf(answers);
      if (error === undefined) return;
      const holds = !isServerError(error) && namesEvent(error);
      const expected = "an error of the client's that names its event";
      expectOn(connection, holds, { observer: "wire", expected, actual: JSON.stringify(error) });
    },
  });
});

const CLEARED = "input_audio_buffer.cleared";

function namesEvent({ error }: JsonObject): boolean {
  return isJsonObject(error) && error["event_id"] === "conformance-4712";
}

/** The messages that every session has to answer, in an order in which none needs another one's effect. */
const ANSWERED = [
  { message: { type: "input_audio_buffer.clear" }, answer: CLEARED, owners: OWNERS.liveCleared },
  {
    message: { type: "session.update", session: { type: "transcription" } },
    answer: "session.updated",
    owners: OWNERS.liveUpdated,
  },
] as const;

const answeredCheck = defineCheck({
  ...PARAMETERS,
  id: "realtime.invariants.answered-once",
  level: "should",
  requirement: "A message is answered once, and before the next one's answer; the session goes on after each.",
  reference:
    "OpenAPI RealtimeServerEvent: session.updated and input_audio_buffer.cleared are the answers of their messages",
  breaks: "Clients that count answers, or take the last for the newest, show a configuration that is not in force.",
  async run(context) {
    const connection = await openConfigured(context);
    for (let round = 0; round < 2; round += 1) {
      for (const { message, answer, owners } of ANSWERED) {
        const from = connection.events.length;
        connection.send(message);
        const seen = await connection.waitFor(answer, { from, withinMs: context.patienceMs });
        if (seen === null) throw new Inconclusive(`this needs ${answer}`, owners);
      }
    }
    const known = new Set<string>(ANSWERED.map(({ answer }) => answer));
    const answers = connection.events.map(({ value }) => String(value["type"])).filter((type) => known.has(type));
    const expected = ["session.updated", ...ANSWERED, ...ANSWERED].map((row) =>
      typeof row === "string" ? row : row.answer,
    );
    const actual = answers.join(", ");
    expectOn(connection, actual === expected.join(", "), { observer: "wire", expected: expected.join(", "), actual });
  },
});

export const realtimeParameterChecks: readonly Check[] = [
  ...legalChecks,
  ...typeChecks,
  ...messageChecks,
  answeredCheck,
];
