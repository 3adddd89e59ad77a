/**
 * Checks that an answer is that of its own request: what a server says twice in a row is not, after another request,
 * what that one got. Of every operation and mode, as this caller and as another one.
 */

import { isDeepStrictEqual } from "node:util";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Failure } from "../../src/outcome-signals.ts";
import { groupBy } from "../../src/group-by.ts";
import { excerpt } from "../../src/response-body.ts";
import { hasKey } from "../support/credential-probes.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { composeSilence } from "../support/silence.ts";
import type { Answered } from "./answered.ts";
import { ANSWERED } from "./answers.ts";
import { objectsOf, readAnswer, readStream, joinTexts } from "./flaws.ts";
import { readVector } from "./other-flaws.ts";
import { CUSTOM, FORCED, OTHER_FORCED, USAGE } from "./variants.ts";

/** Two requests whose answers differ in every part; null where the target has no second one. */
type Pair = (context: CheckContext) => Promise<readonly [one: JsonObject, other: JsonObject] | null>;

const GREEDY: JsonObject = { temperature: 0, seed: 7 };
const SILENT = composeSilence(1);
const [SEA, MOUNTAINS] = ["Write one sentence about the sea.", "Name the three highest mountains of the north."].map(
  (content) => ({ messages: [{ role: "user", content }] }),
);

const CHAT_PAIRS: readonly Pair[] = [
  async ({ models }) => [
    { ...SEA, ...GREEDY, max_tokens: 6, logprobs: true, top_logprobs: 2 },
    {
      ...MOUNTAINS,
      ...GREEDY,
      max_tokens: 9,
      n: 2,
      logprobs: true,
      top_logprobs: 1,
      model: models.upstream_compressed ?? models.chat,
    },
  ],
  async () => [
    { ...SEA, ...GREEDY, ...FORCED },
    { ...SEA, ...GREEDY, ...OTHER_FORCED },
  ],
  async () => [
    { ...SEA, ...GREEDY, ...FORCED },
    { ...SEA, ...GREEDY, ...CUSTOM },
  ],
  // They end for different reasons.
  async () => [
    { ...SEA, ...GREEDY, ...FORCED },
    { ...MOUNTAINS, ...GREEDY, max_tokens: 2 },
  ],
];

const TEXT_PAIRS: readonly Pair[] = [
  async ({ models }) => [
    { prompt: "The sea is", echo: true, logprobs: 2, max_tokens: 5, ...GREEDY },
    {
      prompt: "Monday, Tuesday, Wednesday, Thursday,",
      logprobs: 1,
      max_tokens: 8,
      n: 2,
      model: models.upstream_compressed ?? models.completion ?? models.chat,
      ...GREEDY,
    },
  ],
  async () => [
    { prompt: "The sea is", max_tokens: 5, ...GREEDY },
    {
      prompt: "Monday, Tuesday, Wednesday, Thursday,",
      stop: [" ", "\n"],
      max_tokens: 5,
      ...GREEDY,
    },
  ],
];

const RESPONSE_PAIRS: readonly Pair[] = [
  async ({ models }) => [
    { input: "Write one sentence about the sea.", temperature: 0, max_output_tokens: 16 },
    {
      input: "Name the three highest mountains of the north.",
      instructions: "Be brief.",
      temperature: 0,
      top_p: 0.5,
      max_output_tokens: 20,
      metadata: { topic: "gate-kx-19" },
      model: models.upstream_compressed ?? models.chat,
    },
  ],
];

/** A recording, and one of another length in which nothing is said. */
const TRANSCRIPT_PAIRS: readonly Pair[] = [
  async () => [
    { response_format: "verbose_json", temperature: 0 },
    { response_format: "verbose_json", temperature: 0, recording: SILENT },
  ],
];

/** The first model of the list that fits. */
async function findModel(context: CheckContext, fits: (id: string) => boolean): Promise<string | undefined> {
  const { body } = readAnswer(await context.wire({ method: "GET", path: "/models" }));
  const ids = objectsOf(isJsonObject(body) ? body["data"] : []).map(({ id }) => id);
  return ids.filter((id) => typeof id === "string").find(fits);
}

const PAIRS: Readonly<Record<string, readonly Pair[]>> = {
  chat: CHAT_PAIRS,
  "chat-stream": CHAT_PAIRS,
  completions: TEXT_PAIRS,
  "completions-stream": TEXT_PAIRS,
  responses: RESPONSE_PAIRS,
  "responses-stream": RESPONSE_PAIRS,
  transcriptions: TRANSCRIPT_PAIRS,
  translations: TRANSCRIPT_PAIRS,
  embeddings: [
    async () => [{ input: "The sea is wide." }, { input: ["Rain", "The night is long and cold."] }],
    async (context) => {
      const other = await findModel(context, (id) => id !== context.models.embedding && /embed/i.test(id));
      return other === undefined ? null : [{ input: "The sea." }, { input: "The sea.", model: other }];
    },
  ],
  "models-retrieve": [
    async (context) => {
      const other = await findModel(context, (id) => id !== context.models.chat);
      return other === undefined ? null : [{ model: context.models.chat }, { model: other }];
    },
  ],
};

/** The parts of an answer that a server has no reason to change from one time to the next, by their names. */
function readParts(exchange: Exchange, slug: string): JsonObject {
  const { body } = slug.endsWith("-stream") ? { body: null } : readAnswer(exchange);
  const parts = slug.endsWith("-stream")
    ? readStream(exchange, slug !== "responses-stream").events
    : [isJsonObject(body) ? body : {}];
  if (slug === "models-retrieve") return { ...parts[0] };
  if (slug.startsWith("trans")) return readTranscript(parts[0] ?? {});
  if (slug.startsWith("responses")) return readResponse(parts);
  const choices = parts.flatMap(({ choices: given }) => objectsOf(given));
  const used = parts.map(({ usage }) => usage).findLast(isJsonObject);
  const vectors = objectsOf(parts[0]?.["data"]).map(({ embedding }) => readVector(embedding));
  return {
    model: [...new Set(parts.map(({ model }) => model))],
    "number of choices": new Set(choices.map(({ index }) => index)).size,
    ...readChoice(choices.filter(({ index }) => index === 0)),
    "prompt tokens": used?.["prompt_tokens"],
    "completion tokens": used?.["completion_tokens"],
    // What a batch of another size changes stays below this.
    vectors: vectors.map((vector) => vector?.map((value) => Math.round(value * 20))),
  };
}

function readTranscript({ text, duration, segments, words }: JsonObject): JsonObject {
  const count = (list: unknown): number => objectsOf(list).length;
  return { text, duration, "number of segments": count(segments), "number of words": count(words) };
}

/** All but what is a response's own: its id and its times. */
function readResponse(parts: readonly JsonObject[]): JsonObject {
  const last = parts.at(-1) ?? {};
  const whole = isJsonObject(last["response"]) ? last["response"] : last;
  const items = objectsOf(whole["output"]);
  const own = ["id", "created_at", "completed_at", "output"];
  const rest = Object.fromEntries(Object.entries(whole).filter(([name]) => !own.includes(name)));
  return { ...rest, text: items.map(({ content }) => joinTexts(objectsOf(content).map(({ text }) => text))) };
}

/** The first choice, whole or in pieces. */
function readChoice(pieces: readonly JsonObject[]): JsonObject {
  const spoken = pieces.map(({ message, delta, text }) =>
    isJsonObject(message) ? message : isJsonObject(delta) ? delta : { content: text },
  );
  const calls = spoken.flatMap(({ tool_calls: given }) => objectsOf(given));
  const called = calls.map(({ function: one }) => (isJsonObject(one) ? one : {}));
  const logprobs = pieces.map((piece) => piece["logprobs"]).filter(isJsonObject);
  const entries = logprobs.flatMap(({ content }) => objectsOf(content));
  const join = (name: string): readonly unknown[] =>
    logprobs.flatMap((piece): readonly unknown[] => (Array.isArray(piece[name]) ? piece[name] : []));
  return {
    text: joinTexts(spoken.map(({ content }) => content)),
    "type of the tool": calls.flatMap(({ type }) => type ?? []),
    "name of the tool": joinTexts(called.map(({ name }) => name)),
    "arguments of the tool": joinTexts(called.map((one) => one["arguments"])),
    "reason to finish": pieces.map((piece) => piece["finish_reason"]).find((reason) => (reason ?? null) !== null),
    tokens: [...entries.map(({ token }) => token), ...join("tokens")],
    bytes: entries.map(({ bytes }) => bytes),
    offsets: join("text_offset"),
    // The figures themselves differ a little from batch to batch.
    "log probabilities": join("token_logprobs").map((value) => value === null),
    "likely tokens": [
      ...entries.map(({ top_logprobs: top }) => objectsOf(top).map(({ token }) => token)),
      ...join("top_logprobs").map((map) => (isJsonObject(map) ? Object.keys(map).toSorted() : null)),
    ],
  };
}

export interface Repeated {
  readonly one: () => Promise<Exchange>;
  /** Each is sent between two of the one. */
  readonly others: readonly (() => Promise<Exchange>)[];
  readonly read: (exchange: Exchange) => JsonObject;
}

/**
 * What is said twice in a row must not become, after another request, what that one gets. Two requests, two more for
 * each of the others, and again two where something changed. @throws Failure
 */
export async function expectNoChange({ one, others, read }: Repeated): Promise<void> {
  const [first, second] = [read(await one()), read(await one())];
  const steady = Object.keys(first).filter((name) => isDeepStrictEqual(first[name], second[name]));
  for (const other of others) await expectOwn({ one, other, read, second, steady });
}

interface Own extends Pick<Repeated, "one" | "read"> {
  readonly other: () => Promise<Exchange>;
  /** What the one request gets, and the names of what it gets each time. */
  readonly second: JsonObject;
  readonly steady: readonly string[];
}

async function expectOwn({ one, other, read, second, steady }: Own): Promise<void> {
  await other();
  const exchange = await one();
  const third = read(exchange);
  const changed = steady.filter((name) => !isDeepStrictEqual(second[name], third[name]));
  if (changed.length === 0) return;
  await other();
  const its = read(await other());
  const part = changed.find((name) => isTaken(second[name], third[name], its[name]));
  if (part === undefined) return;
  const [expected, actual] = [second[part], third[part]].map((value) => excerpt(JSON.stringify(value) ?? "nothing"));
  throw new Failure({
    observer: "wire",
    expected: `the ${part} that the same request got before: ${expected}`,
    actual: `that of the request in between: ${actual}`,
    exchange,
  });
}

/** Whether what was said is what the other request gets, or holds an element of it that was not there before. */
function isTaken(before: unknown, after: unknown, its: unknown): boolean {
  if (isDeepStrictEqual(after, its)) return true;
  if (!Array.isArray(before) || !Array.isArray(after) || !Array.isArray(its)) return false;
  return after.some((element: unknown) => its.includes(element) && !before.includes(element));
}

function defineAgainCheck({ slug, area, operation, needs, send }: Answered): Check {
  return defineCheck({
    id: `${area}.invariants.${slug}-again`,
    area,
    level: "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `The same ${slug} request is answered alike, whatever another caller asked for in between.`,
    reference: `OpenAPI ${operation}; OWASP API1:2023; CWE-488 (exposure of data to the wrong session)`,
    breaks: "Users get what others asked for: their texts, their vectors, their counts of tokens.",
    async run(context) {
      await requireOffered(context, operation);
      const credential = hasKey(context, "other_account") ? "other_account" : "full";
      const streaming = { ...(slug === "responses-stream" ? {} : USAGE), stream: true };
      const mode = slug.endsWith("-stream") ? streaming : {};
      const pairs = await Promise.all((PAIRS[slug] ?? []).map((compose) => compose(context)));
      const found = pairs.filter((pair) => pair !== null);
      for (const group of groupBy(found, ([fields]) => JSON.stringify(fields)).values()) {
        const one = (): Promise<Exchange> => send(context, { ...group[0]?.[0], ...mode });
        // A server may lack an option; the first answer is that of whatever was asked for before.
        if ((await one()).response?.status !== 200) continue;
        const others = group.map(
          ([, fields]) =>
            (): Promise<Exchange> =>
              send(context, { ...fields, ...mode }, { credential }),
        );
        await expectNoChange({ one, others, read: (exchange) => readParts(exchange, slug) });
      }
    },
  });
}

export const repeatedChecks: readonly Check[] = ANSWERED.filter(({ slug }) => slug in PAIRS).map(defineAgainCheck);
