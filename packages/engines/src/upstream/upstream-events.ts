/** Streams the events of one call, for any kind of answer, and reports its outcome to the circuit breaker. */

import { type AiError, NO_USAGE, type UpstreamEvent, type UpstreamRequest } from "@openai-compat/core";
import type { AnswerTranslator, TranslatorOptions } from "./answer-translator.ts";
import { chooseTranslator } from "./choose-translator.ts";
import type { CallOutcome } from "./circuit-breaker.ts";
import { decodeContent } from "./decode-content.ts";
import { decodeUpstreamError, type UpstreamErrorContext } from "./decode-error.ts";
import { estimateInputTokens } from "./estimate-tokens.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import type { OpenCall } from "./open-call.ts";
import { readErrorText } from "./read-error.ts";
import { isBreakdown, toCallerError, UpstreamError } from "./upstream-error.ts";
import type { CallOptions } from "./upstream-target.ts";

export interface UpstreamEventsOptions extends TranslatorOptions {
  readonly open: (options: CallOptions) => Promise<OpenCall>;
  /** The call's. */
  readonly signal: AbortSignal;
  readonly usageWaitMs: number;
  readonly answerBytesMax: number;
}

/** What is read for the sake of the usage alone. */
const USAGE_BYTES_MAX = 65_536;

/**
 * Opens the call and ends its lease however it ends. After an abort it says once more what the call has used: as the
 * upstream reports it, if nothing else is missing and it comes soon, else as estimated.
 *
 * @throws AiError what the upstream said, or what it did; the signal's reason
 */
export async function* streamUpstreamEvents(options: UpstreamEventsOptions): AsyncGenerator<UpstreamEvent, void> {
  const { signal, request } = options;
  const progress: Progress = { isSent: false, translator: null, lateBytes: 0 };
  let call: OpenCall | null = null;
  let outcome: CallOutcome = "unknown";
  try {
    call = await options.open({
      signal,
      onSent: () => void (progress.isSent = true),
      readOnMs: () => (progress.translator?.awaitsUsage() === true ? options.usageWaitMs : 0),
    });
    const { answer, lease } = call;
    if (answer.status > 299) {
      // What was refused has used nothing.
      progress.isSent = false;
      outcome = answer.status < 500 || answer.status === NOT_IMPLEMENTED ? "good" : "broken";
      throw await readError(answer, options);
    }
    const content = decodeContent(answer, options.answerBytesMax);
    const translator = chooseTranslator(answer, options);
    progress.translator = translator;
    const held = createHeldBack(translator);
    let chunks: readonly Uint8Array[] | null = null;
    do {
      const reading = content.read();
      if (held.isHolding() && !(await held.comesInTime(reading))) yield* held.release();
      chunks = await reading;
      if (signal.aborted) countLate(progress, chunks, signal);
      for (const event of chunks === null ? translator.end() : translator.push(chunks)) {
        if (event.type === "upstream-start" || event.type === "upstream-whole") lease.markResponseStarted();
        if (event.type === "upstream-end") answer.finish();
        if (!signal.aborted || isLast(event)) yield event;
      }
    } while (chunks !== null && !translator.isComplete());
    outcome = "good";
  } catch (thrown) {
    if (isBreakdown(thrown)) outcome = "broken";
    if (signal.aborted && progress.isSent) yield progress.translator?.abandon() ?? toUnanswered(request);
    // What came before the error is sent before it.
    if (!signal.aborted) yield* progress.translator?.release?.() ?? [];
    throw thrown instanceof UpstreamError ? toCallerError(thrown) : thrown;
  } finally {
    call?.answer.leave();
    call?.lease.end(outcome);
  }
}

/** How long the end of a choice waits for more of the choice; upstreams that say it too early send the rest at once. */
const HELD_BACK_MS_MAX = 1000;

function createHeldBack(translator: AnswerTranslator) {
  let sinceMs: number | null = null;
  return {
    isHolding(): boolean {
      const isHolding = translator.holdsBack?.() === true;
      sinceMs = isHolding ? (sinceMs ?? performance.now()) : null;
      return isHolding;
    },
    /**
     * @param reading may settle later; its maker awaits it
     * @returns whether it settled before what is held back has to be sent
     */
    comesInTime(reading: Promise<unknown>): Promise<boolean> {
      const heldMs = sinceMs === null ? 0 : performance.now() - sinceMs;
      return settlesWithin(reading, HELD_BACK_MS_MAX - heldMs);
    },
    release(): Iterable<UpstreamEvent> {
      sinceMs = null;
      return translator.release?.() ?? [];
    },
  };
}

/** Never rejects, and leaves no rejection of the promise unhandled. */
function settlesWithin(promise: Promise<unknown>, timeMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), Math.max(0, timeMs));
    const settle = () => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settle, settle);
  });
}

interface Progress {
  /** Whether the request went out, and was not refused. */
  isSent: boolean;
  translator: AnswerTranslator | null;
  lateBytes: number;
}

/** @throws the signal's reason when too much comes after the client has disconnected */
function countLate(progress: Progress, chunks: readonly Uint8Array[] | null, signal: AbortSignal): void {
  for (const chunk of chunks ?? []) progress.lateBytes += chunk.length;
  if (progress.lateBytes > USAGE_BYTES_MAX) signal.throwIfAborted();
}

function isLast({ type }: UpstreamEvent): boolean {
  return type === "upstream-end" || type === "upstream-whole";
}

/** The prompt was sent, so it counts. */
function toUnanswered(request: UpstreamRequest): UpstreamEvent {
  return {
    type: "upstream-end",
    usage: { ...NO_USAGE, inputTokens: estimateInputTokens(request) },
    source: "estimated",
  };
}

/** Says that an operation is missing, and nothing of how the server fares. */
const NOT_IMPLEMENTED = 501;

async function readError(
  answer: ExchangeAnswer,
  { answerBytesMax, errorContext }: { readonly answerBytesMax: number; readonly errorContext: UpstreamErrorContext },
): Promise<AiError> {
  const { status, headers } = answer;
  const body = await readErrorText(answer, answerBytesMax);
  return decodeUpstreamError({ status, headers, body }, errorContext);
}
