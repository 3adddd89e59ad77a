/** Checks of responses that run in the background: polled, streamed again from any event, left alone and cancelled. */

import { setTimeout as delay } from "node:timers/promises";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { jsonFrames, jsonFramesUntilLeft } from "../../src/expect-stream.ts";
import { assume, expectJsonObject, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import type { JsonObject } from "../../src/json-object.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { defineOwners } from "../../src/owners.ts";
import { expectRefused } from "../support/envelope.ts";
import {
  askResponse,
  readItems,
  readOutputText,
  requireEnd,
  requireKept,
  type ResponseFields,
  RESPONSES,
  SENTENCE,
} from "../support/response-calls.ts";

const BACKGROUND = {
  ...RESPONSES,
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI CreateResponse.background; OpenAI guide Background mode",
} as const;

const BEGINS = defineOwners("responses.background.begins");
const COMPLETES = defineOwners("responses.background.completes");
const STREAMS = defineOwners("responses.background.stream-numbers");

const RUNNING: readonly unknown[] = ["queued", "in_progress"];
const POLL_MS = 100;
/** Numbers of a stream that are gone on from: the first ones, and some of the others. */
const RESUMES_MAX = 6;
/** Holds the first event, in whatever pieces it comes, and not the last. */
const LEAVE_AFTER_BYTES = 4096;
/** Takes a while on every model. */
const LONG = { input: "Count from 1 to 2000 in words.", max_output_tokens: 1024 };

/** @throws Unsupported where the server says that it runs none in the background */
async function begin(context: CheckContext, fields: ResponseFields = {}) {
  await requireKept(context);
  const exchange = await askResponse(context, { ...SENTENCE, background: true, ...fields });
  throwIfUnsupported(exchange, "background");
  return exchange;
}

/** @throws Inconclusive */
async function requireBegun(context: CheckContext, fields: ResponseFields = {}): Promise<JsonObject> {
  const exchange = await begin(context, fields);
  return assume("a response that runs in the background", BEGINS, () => {
    expectStatus(exchange, 200);
    const response = expectJsonObject(exchange);
    const actual = String(response["background"]);
    expectThat(response["background"] === true, { observer: "wire", expected: "background: true", actual });
    return response;
  });
}

async function read(context: CheckContext, { id }: JsonObject, query = "") {
  const path = `/responses/${encodeURIComponent(String(id))}${query}`;
  return context.wire({ method: "GET", path, disconnectAfterMs: context.patienceMs });
}

/** Asks for it until it has ended, for as long as a call may take. */
async function poll(context: CheckContext, begun: JsonObject): Promise<JsonObject> {
  const untilMs = performance.now() + context.patienceMs;
  for (;;) {
    const exchange = await read(context, begun);
    expectStatus(exchange, 200);
    const response = expectJsonObject(exchange);
    if (!RUNNING.includes(response["status"]) || performance.now() >= untilMs) return response;
    await delay(POLL_MS);
  }
}

function expectAnswered(response: JsonObject): void {
  const { status } = response;
  const actual = `${String(status)}: ${JSON.stringify(readOutputText(response))}`;
  const hasEnded = status === "completed" || status === "incomplete";
  expectThat(hasEnded && readItems(response).length > 0, { observer: "wire", expected: "an answer", actual });
  if (readOutputText(response) === "") throw new Inconclusive("the model said nothing", "model");
}

/** The events of a stream in the background. @throws Inconclusive */
async function requireEvents(context: CheckContext): Promise<readonly JsonObject[]> {
  const exchange = await begin(context, { stream: true });
  return assume("a stream of a response in the background", STREAMS, () => {
    expectStatus(exchange, 200);
    const events = jsonFrames(exchange);
    requireEnd(events);
    return events;
  });
}

/** That every number is there once, in order. */
function expectNumbers(events: readonly JsonObject[], first: number): void {
  const actual = events.map(({ sequence_number: number }) => number).join();
  const expected = events.map((_, index) => first + index).join();
  expectThat(events.length > 0 && actual === expected, { observer: "wire", expected, actual });
}

function idOf(events: readonly JsonObject[]): JsonObject {
  const response = events[0]?.["response"];
  return typeof response === "object" && response !== null ? { ...response } : {};
}

export const responseBackgroundChecks: readonly Check[] = [
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.begins",
    requirement:
      "A request with `background: true` is answered with a response that is queued or in progress, and says so.",
    breaks: "Programs that poll by the status take a half answer for a whole one, or wait with an open connection.",
    async run(context) {
      const exchange = await begin(context);
      expectStatus(exchange, 200);
      const { background, status } = expectJsonObject(exchange);
      const isBegun = background === true && (RUNNING.includes(status) || status === "completed");
      const actual = JSON.stringify([background, status]);
      expectThat(isBegun, { observer: "wire", expected: "background: true, queued or in_progress", actual });
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.completes",
    requirement: "Polled by its id, a response in the background ends with the whole answer.",
    breaks: "Programs poll for ever, or get a response without a text.",
    async run(context) {
      const begun = await requireBegun(context);
      const { background, ...ended } = await poll(context, begun);
      expectAnswered(ended);
      const actual = `background: ${JSON.stringify(background)}`;
      expectThat(background === true, { observer: "wire", expected: "background: true, as it was made", actual });
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.usage",
    requirement: "The usage of a response in the background is there once it has ended.",
    reference: "OpenAPI Response.usage",
    breaks: "What runs in the background is missing from every bill and every budget.",
    async run(context) {
      const begun = await requireBegun(context);
      const ended = await poll(context, begun);
      assume("an answer", COMPLETES, () => expectAnswered(ended));
      const usage: unknown = ended["usage"];
      const { output_tokens: tokens } = Object(usage) as { output_tokens?: unknown };
      const counts = typeof tokens === "number" && tokens > 0;
      expectThat(counts, { observer: "wire", expected: "output tokens", actual: JSON.stringify(usage) });
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.stream-numbers",
    requirement: "The events of a stream in the background are numbered from 0, without gaps.",
    reference: "OpenAPI ResponseStreamEvent.sequence_number",
    breaks: "Programs that lose the connection can't say where to go on.",
    async run(context) {
      const exchange = await begin(context, { stream: true });
      expectStatus(exchange, 200);
      expectNumbers(jsonFrames(exchange), 0);
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.resume",
    operation: "getResponse",
    requirement: "`GET ?stream=true&starting_after=N` gives exactly the events behind N.",
    reference: "OpenAPI getResponse.starting_after",
    breaks: "A text that is streamed again lacks words or has them twice.",
    async run(context) {
      const events = await requireEvents(context);
      for (let after = 0; after < Math.min(events.length - 1, RESUMES_MAX); after += 1) {
        const exchange = await read(context, idOf(events), `?stream=true&starting_after=${after}`);
        expectStatus(exchange, 200);
        const rest = jsonFrames(exchange);
        expectNumbers(rest, after + 1);
        const [actual, expected] = [rest, events].map((list) => describeEnd(list));
        expectThat(actual === expected, { observer: "wire", expected: String(expected), actual });
      }
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.left",
    requirement: "A client that leaves the stream does not stop a response in the background.",
    breaks: "What was to go on without its client ends when a laptop is closed.",
    async run(context) {
      await requireEvents(context);
      await requireKept(context);
      const path = "/responses";
      const body = JSON.stringify({
        model: context.models.chat,
        ...LONG,
        max_output_tokens: 64,
        background: true,
        stream: true,
      });
      const exchange = await context.wire({ method: "POST", path, body, disconnectAfterBytes: LEAVE_AFTER_BYTES });
      const events = jsonFramesUntilLeft(exchange);
      const { id } = idOf(events);
      if (id === undefined) throw new Inconclusive("the client left before it knew the id", STREAMS);
      expectAnswered(await poll(context, { id }));
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.cancel",
    operation: "cancelResponse",
    requirement: "A response that is cancelled while it runs has the status `cancelled`, then and later.",
    reference: "OpenAPI cancelResponse",
    breaks: "What a user has stopped goes on and is paid for.",
    async run(context) {
      const begun = await requireBegun(context, LONG);
      const cancelled = await cancel(context, begun);
      const { status } = cancelled;
      if (status === "completed" || status === "incomplete")
        throw new Inconclusive("it had ended before it was cancelled", "model");
      const later = await poll(context, begun);
      const actual = `${String(status)}, later ${String(later["status"])}`;
      const isCancelled = status === "cancelled" && later["status"] === "cancelled";
      expectThat(isCancelled, { observer: "wire", expected: "cancelled", actual });
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.cancel-again",
    level: "should",
    operation: "cancelResponse",
    requirement: "Cancelling a response in the background again, or one that has ended, returns it as it is.",
    reference: "OpenAI guide Background mode: cancelling twice is idempotent",
    breaks: "A program that repeats a cancellation after a lost answer takes it for failed.",
    async run(context) {
      const begun = await requireBegun(context);
      const ended = await poll(context, begun);
      const again = await cancel(context, begun);
      const [actual, expected] = [again, ended].map(({ id, status }) => JSON.stringify([id, status]));
      expectThat(actual === expected, { observer: "wire", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...BACKGROUND,
    id: "responses.background.not-stored",
    requirement: "`background: true` with `store: false` is refused: there would be nothing to poll.",
    breaks: "A program starts work whose answer it can never get.",
    async run(context) {
      await requireBegun(context);
      expectRefused(await askResponse(context, { background: true, store: false }));
    },
  }),
];

async function cancel(context: CheckContext, { id }: JsonObject): Promise<JsonObject> {
  const path = `/responses/${encodeURIComponent(String(id))}/cancel`;
  const exchange = await context.wire({ method: "POST", path, disconnectAfterMs: context.patienceMs });
  expectStatus(exchange, 200);
  return expectJsonObject(exchange);
}

/** The last event, and the text of its response. */
function describeEnd(events: readonly JsonObject[]): string {
  const { type, response } = events.at(-1) ?? {};
  return JSON.stringify([type, readOutputText({ ...Object(response) })]);
}
