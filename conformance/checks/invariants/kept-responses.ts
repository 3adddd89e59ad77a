/**
 * What is asked of responses that a server keeps to look at all of an answer, and what is wrong with it: it says of a
 * response what its caller got when it was made.
 */

import { inputTokensSchema, operations, responseDeletedSchema, responseSchema } from "@openai-compat/spec";
import { type CheckContext, defineShared } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { defineOwners } from "../../src/owners.ts";
import { SHORT_PROMPT, userMessage } from "../support/chat-calls.ts";
import { readElements } from "../support/conversation-calls.ts";
import { OWNERS } from "../support/owners.ts";
import { throwIfModelRefused } from "../support/refused-models.ts";
import { requireEnd, requireKept, requireResponse, requireSupported } from "../support/response-calls.ts";
import type { Answered } from "./answered.ts";
import { type Flaw, isSame, listShapeFlaws, must, readAnswer, readStream, should } from "./flaws.ts";
import { listItemPageFlaws } from "./item-flaws.ts";
import { defineKeptCalls, type KeptCalls } from "./kept.ts";
import { cutPage, isId } from "./pages.ts";
import { listBodyFlaws, listEchoFlaws, listResponseHeadFlaws } from "./response-flaws.ts";
import { listResponseStreamFlaws } from "./response-stream-flaws.ts";
import { RESPONSE_VARIANTS } from "./variants.ts";

interface KeptResponse {
  readonly sent: JsonObject;
  /** What the caller got. */
  readonly made: JsonObject;
}

const [PLAIN = {}, , LONG = {}, OPTIONS = {}, , FORCED = {}] = RESPONSE_VARIANTS;
/** They differ in what they hold, in how long they are, and in why they end. */
const REQUESTS: readonly JsonObject[] = [PLAIN, { ...OPTIONS, store: true }, FORCED, LONG];

/** @throws NotTestable, Inconclusive */
async function makeOne(context: CheckContext, place: number): Promise<readonly KeptResponse[]> {
  await requireKept(context);
  const sent = REQUESTS[place] ?? PLAIN;
  const made = await requireResponse(context, sent);
  assume("an id of a response", OWNERS.responseUsage, () =>
    expectThat(isId(made["id"]), { observer: "wire", expected: "an id", actual: String(made["id"]) }),
  );
  return atPlace(place, { sent, made });
}

function atPlace(place: number, kept: KeptResponse): readonly KeptResponse[] {
  const list: KeptResponse[] = [];
  list[place] = kept;
  return list;
}

async function make(context: CheckContext): Promise<readonly KeptResponse[]> {
  const list: KeptResponse[] = [];
  for (const place of REQUESTS.keys()) list.push(...(await makeOne(context, place)).slice(place));
  return list;
}

const READ = defineShared<readonly KeptResponse[]>();

function define(row: Pick<KeptCalls<readonly KeptResponse[]>, "operation" | "about" | "keep">) {
  return defineKeptCalls<readonly KeptResponse[]>({
    ...row,
    name: (list, place) => ({ path: { response_id: String(list[place]?.made["id"]) } }),
  });
}

/** All but these is the same whenever it is asked for. */
const CHANGING = ["output", "service_tier"];

/** What the caller got when it was made. */
function listSameFlaws(body: JsonObject, made: JsonObject, changing = CHANGING): readonly Flaw[] {
  const strict = ["id", "created_at", "model", "status", "usage"].filter((name) => !changing.includes(name));
  const others = Object.keys(made).filter((name) => !changing.includes(name) && !strict.includes(name));
  const differs = (name: string): boolean => !isSame(body[name], made[name]);
  const [expected, actual] = [made, body].map((one) => JSON.stringify(readOutput(one)));
  return [
    ...strict
      .filter(differs)
      .flatMap((name) => must(false, `the ${name} that was answered: ${say(made[name])}`, body[name])),
    ...others
      .filter(differs)
      .flatMap((name) => should(false, `the ${name} that was answered: ${say(made[name])}`, body[name])),
    ...must(changing !== CHANGING || actual === expected, `the output that was answered: ${expected}`, actual),
  ];
}

function say(value: unknown): string {
  return JSON.stringify(value) ?? "none";
}

/** Log probabilities and the like are shown to who asks for them. */
function readOutput({ output }: JsonObject): unknown {
  return readElements({ data: output }).map(
    ({ id, type, role, content, call_id: call, name, arguments: text, input }) => [
      [id, type, role, call, name, text, input],
      readElements({ data: content }).map((part) => [part["type"], part["text"]]),
    ],
  );
}

const RESPONSES = { area: "responses", needs: ["key:full", "model:chat"] } as const;
const UNKNOWN = { response_id: "resp_conformance_unknown" };

const read = define({ operation: "getResponse", about: READ, keep: make });
const deleted = define({ operation: "deleteResponse", about: null, keep: makeOne });

const READ_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-get",
  operation: "getResponse",
  variants: [
    { place: 0 },
    { place: 1 },
    { place: 2 },
    { place: 3 },
    { place: 0, "include[]": "message.output_text.logprobs" },
  ],
  refused: [UNKNOWN],
  send: read.send,
  list: read.listWith((body, list, { place }) => {
    const { sent = {}, made = {} } = list[Number(place)] ?? {};
    return [...listBodyFlaws(body, { fields: sent }), ...listSameFlaws(body, made)];
  }),
};

const DELETED_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-delete",
  operation: "deleteResponse",
  variants: [{ place: 0 }, { place: 2 }],
  refused: [UNKNOWN],
  send: deleted.send,
  list: deleted.listWith((body, list, { place }) => [
    ...listShapeFlaws(body, responseDeletedSchema),
    ...must(body["id"] === list[Number(place)]?.made["id"], "the id of the deleted response", body["id"]),
    ...must(body["deleted"] === true, "deleted: true", body["deleted"]),
  ]),
};

/** Takes a while on every model. */
const ENDLESS = { input: "Count from 1 to 2000 in words.", max_output_tokens: 256 };
const BACKGROUND: readonly JsonObject[] = [
  { ...ENDLESS, background: true },
  { ...ENDLESS, background: true, instructions: "Be brief.", metadata: { topic: "zq-7301" }, temperature: 0.5 },
];
const BEGINS = defineOwners("responses.background.begins");

/** @throws Unsupported where the server runs none in the background */
async function begin(context: CheckContext, place: number): Promise<readonly KeptResponse[]> {
  await requireKept(context);
  const sent = BACKGROUND[place] ?? {};
  const made = await requireSupported(context, sent, "background");
  assume("a response that runs in the background", BEGINS, () =>
    expectThat(isId(made["id"]) && made["background"] === true, {
      observer: "wire",
      expected: "background: true",
      actual: say(made["background"]),
    }),
  );
  return atPlace(place, { sent, made });
}

/** What becomes of a response that runs. */
const RUNNING = [...CHANGING, "status", "usage", "completed_at", "incomplete_details", "error"];
const ENDED: readonly unknown[] = ["completed", "incomplete"];

const cancelled = defineKeptCalls<readonly KeptResponse[]>({
  operation: "cancelResponse",
  about: null,
  keep: begin,
  name: (list, place) => ({ path: { response_id: String(list[place]?.made["id"]) } }),
});

const CANCELLED_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-cancel",
  operation: "cancelResponse",
  variants: [{ place: 0 }, { place: 1 }],
  refused: [UNKNOWN],
  send: cancelled.send,
  list: cancelled.listWith((body, list, { place }) => {
    const { sent = {}, made = {} } = list[Number(place)] ?? {};
    const { status, error, output } = body;
    // It may have ended before it was cancelled.
    const hasEnded = ENDED.includes(status);
    return [
      ...listShapeFlaws(body, responseSchema),
      ...listResponseHeadFlaws(body),
      ...listEchoFlaws(body, { fields: sent }),
      ...must(status === "cancelled" || hasEnded, "the status cancelled", status),
      ...must((error ?? null) === null, "no error", error),
      ...must(Array.isArray(output), "a list of output", output),
      ...must(
        hasEnded || (body["incomplete_details"] ?? null) === null,
        "no reason to be incomplete",
        body["incomplete_details"],
      ),
      ...should(hasEnded || (body["completed_at"] ?? null) === null, "no time of its completion", body["completed_at"]),
      ...listSameFlaws(body, made, RUNNING),
    ];
  }),
};

interface KeptStream {
  readonly id: string;
  readonly events: readonly JsonObject[];
}

const STREAMS = defineOwners("responses.background.stream-numbers");
const STREAMED: JsonObject = { ...PLAIN, background: true, stream: true };

async function streamOne(context: CheckContext): Promise<KeptStream> {
  await requireKept(context);
  const body = JSON.stringify({ model: context.models.chat, max_output_tokens: 16, ...STREAMED });
  const exchange = await context.wire({
    method: "POST",
    path: "/responses",
    body,
    disconnectAfterMs: context.patienceMs,
  });
  throwIfUnsupported(exchange, "background");
  const { events } = readStream(exchange, false);
  const { response } = assume("a stream of a response in the background", STREAMS, () => requireEnd(events));
  return { id: String(response["id"]), events };
}

const streamed = defineKeptCalls<KeptStream>({
  operation: "getResponse",
  // Events are kept for minutes.
  about: null,
  keep: streamOne,
  name: ({ id }) => ({ path: { response_id: id } }),
});

const STREAM_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-get-stream",
  operation: "getResponse",
  variants: [
    { stream: "true" },
    { stream: "true", starting_after: 0 },
    { stream: "true", starting_after: 3, include_obfuscation: "false" },
  ],
  refused: [UNKNOWN],
  send: streamed.send,
  list(exchange, { fields }) {
    const { events, flaws } = readStream(exchange, false);
    const first = Number(fields["starting_after"] ?? -1) + 1;
    const expected = streamed.of(exchange)?.events.slice(first) ?? [];
    const types = (list: readonly JsonObject[]): string =>
      list.map(({ type, sequence_number: at }) => `${String(at)} ${String(type)}`).join();
    const differing = events.filter((event, place) => !isSameEvent(event, expected[place]));
    return [
      ...(first === 0 ? listResponseStreamFlaws(exchange, { fields: PLAIN_BACKGROUND }) : flaws),
      ...must(
        types(events) === types(expected),
        `the events that were streamed from number ${first} on`,
        types(events),
      ),
      ...must(differing.length === 0, "each event as it was streamed", differing[0]),
    ];
  },
};

const PLAIN_BACKGROUND: JsonObject = { ...PLAIN, background: true };

/** Padding is random. */
function isSameEvent(one: JsonObject, other: JsonObject | undefined): boolean {
  return isSame({ ...one, obfuscation: null }, { ...other, obfuscation: null });
}

/** What was asked: turns, and a text alone. */
const INPUTS: readonly (readonly JsonObject[] | string)[] = [
  [
    userMessage("Name a sea."),
    { role: "assistant", content: "The North Sea." },
    userMessage([
      { type: "input_text", text: "Zürich and 東京:" },
      { type: "input_text", text: "which is larger?" },
    ]),
  ],
  SHORT_PROMPT,
];

interface KeptInput {
  readonly sent: readonly JsonObject[];
  readonly id: unknown;
  /** The oldest first. */
  readonly ids: readonly unknown[];
}

const INPUT = defineShared<readonly KeptInput[]>();

async function makeInputs(context: CheckContext): Promise<readonly KeptInput[]> {
  await requireKept(context);
  const list: KeptInput[] = [];
  for (const input of INPUTS) {
    const { id } = await requireResponse(context, { input });
    const path = operations.listInputItems.path.replace("{response_id}", encodeURIComponent(String(id)));
    const { body } = readAnswer(await context.wire({ method: "GET", path: `${path}?order=asc` }));
    const ids = readElements({ ...Object(body) }).map((item) => item["id"]);
    list.push({ sent: typeof input === "string" ? [userMessage(input)] : input, id, ids });
  }
  return list;
}

const listed = defineKeptCalls<readonly KeptInput[]>({
  operation: "listInputItems",
  about: INPUT,
  keep: makeInputs,
  name: (list, place) => ({ path: { response_id: String(list[place]?.id) }, ids: list[place]?.ids ?? [] }),
});

const INPUT_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-input-items",
  operation: "listInputItems",
  variants: [
    {},
    { limit: 2 },
    { limit: 1, order: "asc" },
    { after: 1 },
    { after: 0, order: "asc" },
    { place: 1, order: "asc" },
  ],
  refused: [UNKNOWN, { limit: "0" }, { order: "conformance" }],
  send: listed.send,
  list: listed.listWith((body, list, { place = 0, ...fields }) => {
    const { sent = [], ids = [] } = list[Number(place)] ?? {};
    const { page, hasMore } = cutPage([...sent.keys()], fields, "desc");
    const [expected, actual] = [page.map((index) => ids[index]), readElements(body).map(({ id }) => id)];
    return [
      ...listItemPageFlaws(
        body,
        page.map((index) => sent[index] ?? {}),
        hasMore,
      ),
      ...must(isSame(actual, expected), "the ids that the items had before", actual),
    ];
  }),
};

const COUNTED_ROW: Answered = {
  ...RESPONSES,
  slug: "responses-input-tokens",
  operation: "Getinputtokencounts",
  variants: [PLAIN, { input: INPUTS[0] }, { ...PLAIN, instructions: "Be brief.", tools: FORCED["tools"] }],
  send: sendCount,
  list(exchange) {
    const { body, flaws } = readAnswer(exchange);
    const count = isJsonObject(body) ? body["input_tokens"] : undefined;
    return [
      ...flaws,
      ...listShapeFlaws(body, inputTokensSchema),
      ...must(typeof count === "number" && count > 0, "tokens of the input", count),
    ];
  },
};

/** @throws Unsupported where nobody can count before the model answers, as behind an upstream that counts none */
async function sendCount(context: CheckContext, fields: JsonObject, sent = {}): Promise<Exchange> {
  const { method, path } = operations.Getinputtokencounts;
  const body = JSON.stringify({ model: context.models.chat, ...fields });
  const exchange = await context.wire({ method, path, body, disconnectAfterMs: context.patienceMs, ...sent });
  throwIfModelRefused(exchange);
  return exchange;
}

/** One row for each operation on responses that are kept, and the count of what one would read. */
export const RESPONSES_ANSWERED: readonly Answered[] = [
  READ_ROW,
  STREAM_ROW,
  CANCELLED_ROW,
  DELETED_ROW,
  INPUT_ROW,
  COUNTED_ROW,
];
