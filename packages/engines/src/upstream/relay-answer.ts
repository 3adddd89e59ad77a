/** One call to relay events, whatever kind of answer it gets, and the word on how it went for the circuit. */

import type { AiError, RelayEvent, RelayRequest } from "@openai-compat/core";
import { chooseTranslator } from "./choose-translator.ts";
import type { CallOutcome } from "./circuit-breaker.ts";
import { decodeUpstreamError, type UpstreamErrorContext } from "./decode-error.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { type JsonRecord, parseRecord } from "./json-value.ts";
import type { OpenCall } from "./open-call.ts";
import { isBreakdown, toUpstreamError, UpstreamFault } from "./upstream-fault.ts";

export interface RelayAnswerOptions {
  readonly open: () => Promise<OpenCall>;
  readonly request: RelayRequest;
  readonly eventBytesMax: number;
  readonly errorContext: UpstreamErrorContext;
}

/**
 * Opens the call and ends its lease however it is left.
 *
 * @throws AiError what the upstream said, or what it did; the signal's reason
 */
export async function* relayAnswer(options: RelayAnswerOptions): AsyncGenerator<RelayEvent, void> {
  const { lease, answer } = await options.open().catch(rethrowForCaller);
  let outcome: CallOutcome = "unknown";
  try {
    if (answer.status > 299) {
      outcome = answer.status < 500 || answer.status === NOT_IMPLEMENTED ? "good" : "broken";
      throw await readError(answer, options.errorContext);
    }
    const translator = chooseTranslator(answer, options);
    let chunks: readonly Uint8Array[] | null = null;
    do {
      chunks = await answer.read();
      for (const event of chunks === null ? translator.end() : translator.push(chunks)) {
        if (event.type === "relay-start" || event.type === "relay-whole") lease.begin();
        if (event.type === "relay-end") answer.finish();
        yield event;
      }
    } while (chunks !== null && !translator.isComplete());
    outcome = "good";
  } catch (thrown) {
    if (isBreakdown(thrown)) outcome = "broken";
    rethrowForCaller(thrown);
  } finally {
    answer.leave();
    lease.end(outcome);
  }
}

function rethrowForCaller(thrown: unknown): never {
  throw thrown instanceof UpstreamFault ? toUpstreamError(thrown) : thrown;
}

/** Says that an operation is missing, and nothing of how the server fares. */
const NOT_IMPLEMENTED = 501;

/** An error's body may be so long; what is longer is no envelope. */
const ERROR_BYTES_MAX = 65_536;

async function readError(answer: ExchangeAnswer, context: UpstreamErrorContext): Promise<AiError> {
  const { status, headers } = answer;
  return decodeUpstreamError({ status, headers, body: await readErrorBody(answer) }, context);
}

/** @returns null when it is no JSON object, or never came: the status says enough then */
async function readErrorBody(answer: ExchangeAnswer): Promise<JsonRecord | null> {
  const body: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let chunks = await answer.read(); chunks !== null; chunks = await answer.read()) {
      body.push(...chunks);
      bytes += chunks.reduce((total, chunk) => total + chunk.length, 0);
      if (bytes > ERROR_BYTES_MAX) return null;
    }
  } catch (thrown) {
    if (thrown instanceof UpstreamFault) return null;
    throw thrown;
  }
  return parseRecord(Buffer.concat(body).toString("utf8"));
}
