/**
 * Checks that one account can't shut another out: neither by streams that it does not read, nor by one call of many
 * choices. Both are what a single client can do in a second, and both are given up as soon as the other is served.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange, RecordedResponse } from "../../src/exchange.ts";
import { expectResponse, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Failure, NotTestable } from "../../src/outcome-signals.ts";
import { describeExchange } from "../../src/response-body.ts";
import { composeChat, composeSdkChat, LONG_PROMPT, userMessage } from "../support/chat-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const FAIRNESS = { area: "limits", level: "should", tier: "protocol", operation: "createChatCompletion" } as const;

/** The most choices that OpenAI's document allows. */
const CHOICES = 128;
/** Long enough for a call to have arrived before the next is sent. */
const HEAD_START_MS = 100;
/** More streams than this are not held open. */
const STALLED_MAX = 16;

/** A small chat of the other account. Who does not get it in `patienceMs` is shut out. */
async function askOther(context: CheckContext, model: unknown): Promise<Exchange> {
  const body = composeSdkChat(context, { model, max_tokens: 4 });
  const options = { credential: "other_account", signal: AbortSignal.timeout(context.patienceMs) } as const;
  return (await context.sdk((client) => client.chat.completions.create(body), options)).exchange;
}

/** Something that happens once, and can be waited for. */
interface Moment {
  readonly reached: Promise<void>;
  readonly reach: () => void;
}

function defineMoment(): Moment {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return { reached, reach: () => reach() };
}

/** A call that lasts until it is ended, and reports when it has begun. */
type LastingCall<T> = (onBegin: () => void, until: AbortSignal) => Promise<T>;

interface Meanwhile<T> {
  /** The other account's call. */
  readonly served: Exchange;
  /** Whether it was there before the lasting call was over. */
  readonly servedFirst: boolean;
  readonly lasted: T;
}

/** Sends the other account's call once the lasting one has begun, and ends that one when the other is served. */
async function askMeanwhile<T>(context: CheckContext, model: unknown, last: LastingCall<T>): Promise<Meanwhile<T>> {
  const over = new AbortController();
  const begun = defineMoment();
  let hasEnded = false;
  const lasting = async (): Promise<T> => {
    try {
      return await last(begun.reach, over.signal);
    } finally {
      hasEnded = true;
      begun.reach();
    }
  };
  const serve = async (): Promise<Omit<Meanwhile<T>, "lasted">> => {
    try {
      await begun.reached;
      const served = await askOther(context, model);
      return { served, servedFirst: !hasEnded };
    } finally {
      over.abort();
    }
  };
  const [result, lasted] = await Promise.all([serve(), lasting()]);
  return { ...result, lasted };
}

/** As many streams as the model has slots, each with much to write, none of them read. */
async function stallStreams(context: CheckContext, onBegin: () => void, until: AbortSignal): Promise<void> {
  const { model, concurrency } = context.fixture("overload");
  const much = { messages: [userMessage(LONG_PROMPT)], max_tokens: 500, n: 4, logprobs: true, top_logprobs: 20 };
  const body = JSON.stringify({ ...composeChat(context, { model, ...much }), stream: true });
  const request = { method: "POST", path: "/chat/completions", body, stall: { onBegin, until } };
  // A stream that waits for its slot need not begin: the first that does is enough.
  await Promise.all(Array.from({ length: Math.min(concurrency, STALLED_MAX) }, () => context.wire(request)));
}

async function sendBurst(context: CheckContext, onBegin: () => void, until: AbortSignal): Promise<Exchange> {
  const body = composeSdkChat(context, { n: CHOICES, max_tokens: 8 });
  setTimeout(onBegin, HEAD_START_MS);
  return (await context.sdk((client) => client.chat.completions.create(body), { signal: until })).exchange;
}

/** A refusal counts as not served: without the load the call was served. @throws Failure */
function expectServed(exchange: Exchange): RecordedResponse {
  const response = expectResponse(exchange);
  if (response.status === 200) return response;
  throw new Failure({ observer: "wire", expected: "status 200", actual: describeExchange(exchange), exchange });
}

export const fairnessChecks: readonly Check[] = [
  defineCheck({
    ...FAIRNESS,
    id: "limits.stalled-reader.others-served",
    needs: ["key:full", "key:other_account", "fixture:overload"],
    requirement:
      "While one account holds as many streams as a model has slots, and reads none of them, another is served.",
    reference: "Slow-read denial of service (CWE-400); RFC 9110 section 15.6.4",
    breaks: "One hung browser tab, or one hostile client, stops a model for all callers.",
    async run(context) {
      const { model } = context.fixture("overload");
      requireStatus(await askOther(context, model), 200);
      const { served } = await askMeanwhile(context, model, (onBegin, until) => stallStreams(context, onBegin, until));
      expectServed(served);
    },
  }),
  defineCheck({
    ...FAIRNESS,
    id: "limits.burst.others-served",
    needs: ["key:full", "key:other_account", "model:chat"],
    requirement: `While one account waits for ${CHOICES} choices of one call, another's small chat is not behind them all.`,
    reference: "OpenAPI CreateChatCompletionRequest.n (1 to 128); fair queueing between accounts",
    breaks: "A request of a hundred bytes stops a model for as long as a hundred others would.",
    async run(context) {
      const { chat } = context.models;
      const alone = await askOther(context, chat);
      // The streams of the check before may still be there.
      requireStatus(alone, 200, answerOwners(alone).merge(OWNERS.stalledReader));
      const { served, servedFirst, lasted } = await askMeanwhile(context, chat, (onBegin, until) =>
        sendBurst(context, onBegin, until),
      );
      throwIfUnsupported(lasted, "n");
      if (lasted.response?.status === 429) throw new NotTestable("one account may not ask for so many choices");
      const tookMs = Math.round(expectServed(served).endAtMs);
      const limitMs = Math.round(2000 + 3 * (alone.response?.endAtMs ?? 0));
      const actual = `${tookMs} ms, when all choices were there`;
      expectThat(servedFirst || tookMs <= limitMs, { observer: "wire", expected: `at most ${limitMs} ms`, actual });
    },
  }),
];
