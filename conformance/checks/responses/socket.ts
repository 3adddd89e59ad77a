/**
 * Checks of responses over a WebSocket: who may open one, what a message is answered with, and what a connection
 * remembers. The document does not describe it; the rules are those that the official SDK's `ResponsesWS` relies on.
 */

import { type Check, defineCheck, type Need } from "../../src/check.ts";
import type { CheckContext, Credential } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { excerpt } from "../../src/response-body.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import { UNKNOWN_KEY } from "../support/credential-probes.ts";
import { OWNERS } from "../support/owners.ts";
import { describeConnection, expectOn } from "../support/realtime-calls.ts";
import { readOutputText } from "../support/response-calls.ts";
import {
  composeCreate,
  openSocket,
  readEnd,
  requireAnswering,
  requireFirst,
  requireOpen,
  requireSocket,
  sendMessage,
  SOCKET,
} from "../support/response-socket.ts";

const SDK = "openai-node resources/responses/ws.ts ResponsesWS";
const WORDS = "Three old boats with red sails wait in the harbour for the tide of the morning. ".repeat(6).trim();
const LEAST_TOKENS = 24;

function inputTokens({ usage }: JsonObject): number {
  const tokens = isJsonObject(usage) ? usage["input_tokens"] : undefined;
  if (typeof tokens === "number") return tokens;
  throw new Inconclusive("this needs the tokens of the input", OWNERS.responseSocketUsage);
}

/** What a message looks like from its first event to its last. */
const ORDER = [
  "response.output_item.added",
  "response.content_part.added",
  "response.output_text.delta",
  "response.output_text.done",
  "response.content_part.done",
  "response.output_item.done",
];

/** The events of the first message, equal neighbours once. Empty without a message. */
function listTypesOfMessage(events: readonly JsonObject[]): readonly string[] {
  const isOf = ({ item }: JsonObject): boolean =>
    item === undefined || (isJsonObject(item) && item["type"] === "message");
  const types = events.filter((event) => ORDER.includes(String(event["type"])) && isOf(event));
  const names = types.map(({ type }) => String(type));
  const end = names.indexOf("response.output_item.done");
  return names.slice(0, end === -1 ? undefined : end + 1).filter((name, place) => name !== names[place - 1]);
}

interface Stranger {
  readonly slug: string;
  readonly subject: string;
  readonly credential: Credential;
  readonly needs?: readonly Need[];
  readonly breaks: string;
}

const STRANGERS: readonly Stranger[] = [
  {
    slug: "missing",
    subject: "no credential",
    credential: null,
    breaks: "Anybody who finds the server uses its models.",
  },
  {
    slug: "unknown-key",
    subject: "an unknown key",
    credential: { literal: UNKNOWN_KEY },
    breaks: "Any key opens the server: the check of keys on the other operations is worth nothing.",
  },
  {
    slug: "expired",
    subject: "an expired credential",
    credential: "expired",
    needs: ["key:expired"],
    breaks: "A credential that was given for an hour opens the server for ever.",
  },
  {
    slug: "no-capability",
    subject: "a credential that grants no use of models",
    credential: "no_capability",
    needs: ["key:no_capability"],
    breaks: "An application that may list models makes its user pay for answers.",
  },
];

function defineStranger({ slug, subject, credential, needs = [], breaks }: Stranger): Check {
  return defineCheck({
    ...SOCKET,
    level: "must",
    id: `responses.socket.auth.${slug}`,
    needs: ["key:full", "model:chat", ...needs],
    requirement: `With ${subject} no response is made over a WebSocket: it is refused with 401 or 403, or by an error.`,
    reference: "RFC 6455 section 4.2.2; RFC 9110 sections 15.5.2 and 15.5.4",
    breaks,
    async run(context) {
      await requireSocket(context);
      const connection = await openSocket(context, credential);
      const expected = "status 401 or 403, or an error or the end of the connection before any response";
      const status = connection.exchange().response?.status;
      if (!connection.opened) {
        if (status === 429) throw new Inconclusive("the upgrade is refused with status 429", "rate-limited");
        if (status === 101) throw new Inconclusive("the handshake is not completed", OWNERS.responseSocketOpens);
        const holds = status === undefined ? connection.closure !== null : status === 401 || status === 403;
        return expectOn(connection, holds, { observer: "wire", expected, actual: describeConnection(connection) });
      }
      const { events, end } = await sendMessage(context, connection, composeCreate(context));
      const isRefused = end?.["type"] === "error" || connection.closure !== null;
      const holds = isRefused && !events.some(({ type }) => String(type).startsWith("response."));
      expectOn(connection, holds, { observer: "wire", expected, actual: describeConnection(connection) });
    },
  });
}

interface Mistake {
  readonly slug: string;
  readonly what: string;
  readonly compose: (context: CheckContext) => object | string;
  readonly breaks: string;
}

/** Exported for the mutants that pass one over. */
export const MISTAKES: readonly Mistake[] = [
  {
    slug: "not-json",
    what: "A message that is no JSON",
    compose: () => '{"type":"response.create","input":',
    breaks: "A client waits for the response to a message that broke on its way.",
  },
  {
    slug: "unknown-type",
    what: "A message of an unknown type",
    compose: (context) => composeCreate(context, { type: "conformance.create" }),
    breaks: "A misspelt type looks like a slow model.",
  },
  {
    slug: "input-type",
    what: "A `response.create` with a number as its `input`",
    compose: (context) => composeCreate(context, { input: 7 }),
    breaks: "The mistake of a program looks like a slow model, or ends the whole conversation.",
  },
  {
    slug: "unknown-model",
    what: "A `response.create` for an unknown model",
    compose: (context) => composeCreate(context, { model: "conformance-no-such-model" }),
    breaks: "A program that tries a second model after the first waits for ever, or has lost its connection.",
  },
];

/** An `error` with a status of 4xx and the error object, after which the connection still answers. @throws Failure */
async function expectRefusedAndAlive(
  context: CheckContext,
  connection: RealtimeConnection,
  message: object | string,
): Promise<JsonObject> {
  const { end } = await sendMessage(context, connection, message);
  const status = Number(end?.["status"]);
  const error = isJsonObject(end?.["error"]) ? end["error"] : {};
  const { message: text, code } = error;
  expectOn(connection, end?.["type"] === "error" && status >= 400 && status < 500, {
    observer: "wire",
    expected: "an `error` message with a `status` of 4xx",
    actual: end === null ? describeConnection(connection) : excerpt(JSON.stringify(end)),
  });
  expectOn(connection, typeof text === "string" && text !== "" && (typeof code === "string" || code === null), {
    observer: "wire",
    expected: "`error.message` with a text, and `error.code`",
    actual: excerpt(JSON.stringify(end)),
  });
  const next = await sendMessage(context, connection, composeCreate(context));
  expectOn(connection, readEnd(next) !== null, {
    observer: "wire",
    expected: "a response to the next message of the connection",
    actual: describeConnection(connection),
  });
  return error;
}

function defineMistake({ slug, what, compose, breaks }: Mistake): Check {
  return defineCheck({
    ...SOCKET,
    id: `responses.socket.refuses.${slug}`,
    requirement: `${what} is refused by an \`error\` message with a status and the error object, and the connection goes on.`,
    reference: `${SDK} (event \`error\`)`,
    breaks,
    async run(context) {
      await expectRefusedAndAlive(context, await requireAnswering(context), compose(context));
    },
  });
}

export const responseSocketChecks: readonly Check[] = [
  ...STRANGERS.map(defineStranger),
  ...MISTAKES.map(defineMistake),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.opens",
    requirement: "A server that upgrades `GET /responses` completes the handshake for a good credential.",
    reference: `RFC 6455 section 4.2.2; ${SDK}`,
    breaks: "`ResponsesWS` and openai-agents over WebSocket can't connect.",
    async run(context) {
      await requireSocket(context);
      const connection = await openSocket(context);
      if (connection.exchange().response?.status === 429) throw new Inconclusive("status 429", "rate-limited");
      const actual = describeConnection(connection);
      expectOn(connection, connection.opened, { observer: "wire", expected: "an open connection", actual });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.events",
    requirement: "`response.create` is answered with the events of a streamed response, in their order and numbered.",
    reference: `OpenAPI ResponseStreamEvent; ${SDK}`,
    breaks: "Programs that read the events of a stream read other ones here, and lose the text or the items.",
    async run(context) {
      const { connection, events } = await requireFirst(context, { max_output_tokens: 64 });
      const numbers = events.map(({ sequence_number: number }) => number);
      expectOn(connection, events[0]?.["type"] === "response.created", {
        observer: "wire",
        expected: "response.created first",
        actual: JSON.stringify(events[0]?.["type"]),
      });
      expectOn(
        connection,
        numbers.every((number, place) => number === place),
        { observer: "wire", expected: "`sequence_number` from 0 on", actual: excerpt(JSON.stringify(numbers)) },
      );
      const types = listTypesOfMessage(events);
      if (types.length === 0) throw new Inconclusive("the model wrote no message", "model");
      const actual = types.join(", ");
      expectOn(connection, actual === ORDER.join(", "), { observer: "wire", expected: ORDER.join(", "), actual });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.whole-end",
    requirement: "A response ends with one event that holds all of it: its id and the text of all deltas.",
    reference: `OpenAPI ResponseCompletedEvent; ${SDK}`,
    breaks:
      "The connection stays open, so nothing else says that it is over: a client waits for ever or keeps half of it.",
    async run(context) {
      const connection = await requireOpen(context);
      const answer = await sendMessage(context, connection, composeCreate(context));
      const response = readEnd(answer);
      expectOn(connection, response !== null, {
        observer: "wire",
        expected: "response.completed or response.incomplete with a response",
        actual: describeConnection(connection),
      });
      const deltas = answer.events.filter(({ type }) => type === "response.output_text.delta");
      const first = answer.events.map(({ response: begun }) => begun).find(isJsonObject);
      const seen = { id: response["id"], text: readOutputText(response) };
      const expected = JSON.stringify({ id: first?.["id"], text: deltas.map(({ delta }) => String(delta)).join("") });
      const actual = JSON.stringify(seen);
      expectOn(connection, actual === expected, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.usage",
    requirement: "The last event of a response has its usage: tokens of the input and of the output, and their sum.",
    reference: "OpenAPI ResponseUsage",
    breaks: "Programs that count what they spend count nothing.",
    async run(context) {
      const { connection, response } = await requireFirst(context);
      const usage = isJsonObject(response["usage"]) ? response["usage"] : {};
      const { input_tokens: input, output_tokens: output, total_tokens: total } = usage;
      const areNumbers = typeof input === "number" && typeof output === "number" && input > 0 && output > 0;
      expectOn(connection, areNumbers && total === input + output, {
        observer: "wire",
        expected: "`input_tokens` and `output_tokens` above 0, and `total_tokens` as their sum",
        actual: JSON.stringify(response["usage"]),
      });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.second-turn",
    requirement: "A second `response.create` of the connection is answered with a response of its own.",
    reference: SDK,
    breaks: "One connection for a whole conversation is what it is for: the second turn hangs.",
    async run(context) {
      const { connection, response } = await requireFirst(context);
      const second = readEnd(await sendMessage(context, connection, composeCreate(context)));
      expectOn(connection, second !== null && second["id"] !== response["id"], {
        observer: "wire",
        expected: "a second response with another id",
        actual: second === null ? describeConnection(connection) : JSON.stringify(second["id"]),
      });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.goes-on",
    requirement:
      "A response goes on from the last one of its connection by `previous_response_id`, with `store: false` too.",
    reference: `OpenAPI CreateResponse.previous_response_id; ${SDK}`,
    breaks:
      "Who stores nothing has to send the whole conversation again with each turn, or the model has forgotten it.",
    async run(context) {
      const plain = inputTokens((await requireFirst(context, { input: SHORT_PROMPT, store: false })).response);
      const { connection, response } = await requireFirst(context, { input: WORDS, store: false });
      const fields = { input: SHORT_PROMPT, store: false, previous_response_id: response["id"] };
      const answer = await sendMessage(context, connection, composeCreate(context, fields));
      const next = readEnd(answer);
      if (next === null && answer.end === null)
        throw new Inconclusive("there is no answer to a second message", OWNERS.responseSocketSecond);
      expectOn(connection, next !== null, {
        observer: "wire",
        expected: "a response that goes on",
        actual: excerpt(JSON.stringify(answer.end)),
      });
      const more = inputTokens(next);
      expectOn(connection, more - plain >= LEAST_TOKENS, {
        observer: "wire",
        expected: `at least ${LEAST_TOKENS} more input tokens than without it`,
        actual: `${plain} and ${more} input tokens`,
      });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.unknown-previous",
    requirement:
      "An unknown `previous_response_id` is refused by an `error` message with the code `previous_response_not_found`, and the connection goes on.",
    reference: `${SDK}; OpenAI error codes`,
    breaks:
      "A client that connects again can't tell that it has to send the whole conversation, or the model forgets it unseen.",
    async run(context) {
      const connection = await requireAnswering(context);
      const message = composeCreate(context, { previous_response_id: "resp_conformance_unknown" });
      const { code } = await expectRefusedAndAlive(context, connection, message);
      expectOn(connection, code === "previous_response_not_found", {
        observer: "wire",
        expected: "the code previous_response_not_found",
        actual: JSON.stringify(code),
      });
    },
  }),
  defineCheck({
    ...SOCKET,
    level: "must",
    id: "responses.socket.other-account",
    needs: ["model:chat", "key:other_account"],
    requirement: "Nobody goes on over a WebSocket from a response of another account.",
    reference: "OWASP API1:2023 (broken object level authorization)",
    breaks: "A stranger reads what another user has said.",
    async run(context) {
      const { response } = await requireFirst(context, { input: WORDS, store: true });
      const connection = await openSocket(context, "other_account");
      if (!connection.opened) throw new NotTestable("the other account opens no connection");
      const fields = { input: SHORT_PROMPT, previous_response_id: response["id"] };
      const { events, end } = await sendMessage(context, connection, composeCreate(context, fields));
      const isBegun = events.some(({ type }) => String(type).startsWith("response."));
      const isRefused = end?.["type"] === "error" || connection.closure !== null;
      if (!isBegun && !isRefused) throw new Inconclusive("there is no answer", "timeout");
      expectOn(connection, !isBegun, {
        observer: "wire",
        expected: "an error and no response",
        actual: describeConnection(connection),
      });
    },
  }),
];
