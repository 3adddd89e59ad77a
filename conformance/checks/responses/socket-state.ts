/** Checks of what a WebSocket for responses knows beside its last response: state that was prepared, lanes, credits. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import type { RealtimeConnection } from "../../src/realtime-connection.ts";
import { excerpt } from "../../src/response-body.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import { OWNERS } from "../support/owners.ts";
import { describeConnection, expectOn } from "../support/realtime-calls.ts";
import type { ResponseFields } from "../support/response-calls.ts";
import {
  composeCreate,
  openSocket,
  readEnd,
  requireAnswering,
  sendMessage,
  SOCKET,
} from "../support/response-socket.ts";

const SDK = "openai-node resources/responses/responses.ts ResponsesClientEvent.ResponseCreate";
const WORDS = "Three old boats with red sails wait in the harbour for the tide of the morning. ".repeat(6).trim();
const LEAST_TOKENS = 24;

function readInputTokens({ usage }: JsonObject): number {
  const tokens = isJsonObject(usage) ? usage["input_tokens"] : undefined;
  if (typeof tokens === "number") return tokens;
  throw new Inconclusive("this needs the tokens of the input", OWNERS.responseSocketUsage);
}

/** The server knows the field, and says that it does not have what it is for. @throws NotTestable */
function throwIfRefused(end: JsonObject | null, field: string): void {
  const error = isJsonObject(end?.["error"]) ? end["error"] : {};
  if (end?.["type"] === "error" && (error["param"] === field || String(error["message"]).includes(field))) {
    throw new NotTestable(`the target refuses \`${field}\`: ${excerpt(JSON.stringify(error))}`);
  }
}

/** That a response reads more with what was prepared than without it. @throws Failure, Inconclusive */
async function expectGoesOn(context: CheckContext, connection: RealtimeConnection, previous: unknown): Promise<void> {
  const ask = async (fields: ResponseFields) =>
    readEnd(
      await sendMessage(context, connection, composeCreate(context, { input: SHORT_PROMPT, store: false, ...fields })),
    );
  const more = await ask({ previous_response_id: previous });
  const plain = await ask({});
  if (plain === null) throw new Inconclusive("there is no answer to a plain message", OWNERS.responseSocketSecond);
  const difference = more === null ? 0 : readInputTokens(more) - readInputTokens(plain);
  expectOn(connection, difference >= LEAST_TOKENS, {
    observer: "wire",
    expected: `a response with at least ${LEAST_TOKENS} more input tokens than without what was prepared`,
    actual: more === null ? describeConnection(connection) : `${difference} more`,
  });
}

export const responseSocketStateChecks: readonly Check[] = [
  defineCheck({
    ...SOCKET,
    id: "responses.socket.prepares",
    requirement:
      "A `response.create` with `generate: false` ends without output, and the next response goes on from it.",
    reference: `${SDK}.generate`,
    breaks: "Codex, which warms its connection up so, pays for an answer that nobody reads, or loses its instructions.",
    async run(context) {
      const connection = await requireAnswering(context);
      const { end } = await sendMessage(
        context,
        connection,
        composeCreate(context, { generate: false, store: false, input: WORDS }),
      );
      throwIfRefused(end, "generate");
      const prepared = readEnd({ events: [], end });
      expectOn(connection, prepared !== null && JSON.stringify(prepared["output"]) === "[]", {
        observer: "wire",
        expected: "response.completed with no output",
        actual: end === null ? describeConnection(connection) : excerpt(JSON.stringify(end)),
      });
      await expectGoesOn(context, connection, prepared["id"]);
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.stream-id",
    requirement: "All events of a response carry the `stream_id` of the message that asked for it, and no others do.",
    reference: `${SDK}.stream_id`,
    breaks: "A program with several conversations on one connection can't tell whose words it reads.",
    async run(context) {
      const connection = await requireAnswering(context);
      const lane = "conformance-lane";
      const { events, end } = await sendMessage(context, connection, composeCreate(context, { stream_id: lane }));
      throwIfRefused(end, "stream_id");
      const ids = new Set(events.map(({ stream_id: id }) => String(id)));
      expectOn(connection, [...ids].join() === lane, { observer: "wire", expected: lane, actual: [...ids].join() });
      const plain = await sendMessage(context, connection, composeCreate(context));
      const others = plain.events.filter((event) => "stream_id" in event);
      expectOn(connection, others.length === 0, {
        observer: "wire",
        expected: "none where the message has none",
        actual: `${others.length} events with one`,
      });
    },
  }),
  defineCheck({
    ...SOCKET,
    id: "responses.socket.no-credit",
    needs: [...SOCKET.needs, "key:no_credit"],
    requirement:
      "An account without credits gets no response: the upgrade is refused with 429, or a message by an `error` with the status 429 and `insufficient_quota`.",
    reference: "OpenAI error codes, insufficient_quota",
    breaks: "Whoever can't pay uses another door.",
    async run(context) {
      await requireAnswering(context);
      const connection = await openSocket(context, "no_credit");
      const upgrade = connection.exchange().response?.status;
      if (!connection.opened) {
        const actual = describeConnection(connection);
        return expectOn(connection, upgrade === 429, { observer: "wire", expected: "status 429", actual });
      }
      connection.send(composeCreate(context));
      const find = () => connection.events.map(({ value }) => value).find(({ type }) => isEnd(type));
      await connection.until(() => find() !== undefined, context.patienceMs);
      const error = find()?.["error"];
      const holds = find()?.["status"] === 429 && isJsonObject(error) && error["code"] === "insufficient_quota";
      expectOn(connection, holds, {
        observer: "wire",
        expected: "an `error` with the status 429 and the code insufficient_quota",
        actual: find() === undefined ? describeConnection(connection) : excerpt(JSON.stringify(find())),
      });
    },
  }),
];

function isEnd(type: unknown): boolean {
  return type === "error" || (typeof type === "string" && /^response\.(?:completed|incomplete|failed)$/.test(type));
}
