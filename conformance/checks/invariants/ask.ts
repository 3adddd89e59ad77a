/** Sends a request of an operation and reads what matters of the answer, whole or streamed: text, calls, usage. */

import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectStatus, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { answerOwners } from "../support/owners.ts";
import { type AnswerMode, type PlainRequest, sendPlain } from "../support/plain-requests.ts";
import { objectsOf, readAnswer, readStream } from "./flaws.ts";
import { USAGE } from "./variants.ts";

interface Read {
  readonly text: string;
  /** Why it ended; undefined where that is not said. */
  readonly reason: unknown;
  /** How many tools are called. */
  readonly calls: number;
  readonly usage: JsonObject;
}

export interface Asked {
  readonly mode: AnswerMode;
  readonly fields: JsonObject;
}

/** A stream says its usage too, unless the fields say otherwise. */
export function send(context: CheckContext, request: PlainRequest, { mode, fields }: Asked): Promise<Exchange> {
  return sendPlain(context, request, { mode, fields: { ...(mode === "stream" ? USAGE : {}), ...fields } });
}

/**
 * The text and the usage of an answer or a stream. `mustStream`: the same is answered in one piece, so that it has to be
 * answered in a stream, unless the server has none. @throws Failure, Inconclusive, NotTestable, Unsupported
 */
export async function ask(
  context: CheckContext,
  request: PlainRequest,
  { mustStream = false, ...asked }: Asked & { mustStream?: boolean },
): Promise<Read> {
  const exchange = await send(context, request, asked);
  if (mustStream) {
    throwIfUnsupported(exchange, "stream");
    expectStatus(exchange, 200);
  }
  return read(context, request, { mode: asked.mode, exchange });
}

/** The same of what was answered. @throws Failure, Inconclusive, NotTestable */
export async function read(
  context: CheckContext,
  request: PlainRequest,
  { mode, exchange }: { readonly mode: AnswerMode; readonly exchange: Exchange },
): Promise<Read> {
  if (exchange.response?.status !== 200) {
    await requireOffered(context, request.operation);
    throw new Inconclusive(
      `the request was not answered: status ${exchange.response?.status}, which errors.legal judges`,
      answerOwners(exchange),
    );
  }
  const { body, flaws } = readAnswer(exchange);
  const [broken] = mode === "body" && body === undefined ? flaws : [];
  if (broken !== undefined) throw new Failure({ ...broken, exchange });
  const parts = mode === "stream" ? readStream(exchange, true).events : [isJsonObject(body) ? body : {}];
  const choices = parts.flatMap(({ choices: given }) => objectsOf(given)).filter(({ index = 0 }) => index === 0);
  const text = choices.map(readPiece).join("");
  const used = parts.map(({ usage: given }) => given).findLast(isJsonObject);
  const called = choices.flatMap(({ message, delta }) =>
    [message, delta].flatMap((spoken) => (isJsonObject(spoken) ? objectsOf(spoken["tool_calls"]) : [])),
  );
  const calls = new Set(called.map(({ index, id }) => index ?? id)).size;
  const reason = choices.map((choice) => choice["finish_reason"]).find((one) => (one ?? null) !== null);
  return { text, reason, calls, usage: used ?? {} };
}

function readPiece({ message, delta, text }: JsonObject): string {
  const content = isJsonObject(message) ? message["content"] : isJsonObject(delta) ? delta["content"] : text;
  return typeof content === "string" ? content : "";
}
