/** Checks of a streamed response beside its events: how it is sent, and that it says what the answer does. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectHeader, expectStatus, expectThat, isJsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { expectFlushed } from "../support/arrivals.ts";
import {
  askResponse,
  readOutputText,
  requireEnd,
  requireResponse,
  requireResponseEvents,
  RESPONSES,
  SENTENCE,
} from "../support/response-calls.ts";
import { LONG_PROMPT } from "../support/chat-calls.ts";

const STREAM = "OpenAPI createResponse (ResponseStreamEvent)";
const REPEATABLE = { ...SENTENCE, temperature: 0, max_output_tokens: 24 };
const LONG = { input: LONG_PROMPT, temperature: 0 };

export const responseStreamChecks: readonly Check[] = [
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.content-type",
    requirement: "A streamed response has status 200 and the content type text/event-stream.",
    reference: "HTML Living Standard, server-sent events",
    breaks: "Codex and the SDKs read no events; proxies buffer anything else.",
    async run(context) {
      const exchange = await askResponse(context, { ...SENTENCE, stream: true });
      if (exchange.response?.status !== 200) await requireResponse(context);
      expectStatus(exchange, 200);
      expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.equals-answer",
    requirement: "At temperature 0 the streamed text is the text of the answer.",
    reference: `${STREAM}: the same response in pieces`,
    breaks: "Words are lost or doubled between two events, unseen by every client.",
    async run(context) {
      const [one, other] = [await requireResponse(context, REPEATABLE), await requireResponse(context, REPEATABLE)];
      if (readOutputText(one) !== readOutputText(other)) throw new Inconclusive("answers are not repeatable", "chance");
      const read = async (): Promise<string> =>
        readOutputText(requireEnd(await requireResponseEvents(context, REPEATABLE)).response);
      const streamed = await read();
      if (streamed === readOutputText(one)) return;
      if (streamed !== (await read())) throw new Inconclusive("streams are not repeatable", "chance");
      expectThat(false, { observer: "wire", expected: readOutputText(one), actual: streamed });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.stream.flushed",
    level: "should",
    requirement:
      "Events are sent as they are made: of a stream that takes time the first bytes arrive before the last.",
    reference: "Chunked transfer, RFC 9112 section 7.1",
    breaks: "A buffering layer turns streaming into waiting.",
    async run(context) {
      const stream = async (tokens: number): Promise<Exchange> => {
        const exchange = await askResponse(context, { ...LONG, max_output_tokens: tokens, stream: true });
        throwIfUnsupported(exchange, "stream");
        return exchange;
      };
      await expectFlushed({ long: () => stream(160), short: () => stream(16) });
    },
  }),
  defineCheck({
    ...RESPONSES,
    tier: "forced",
    id: "responses.stream.incomplete",
    requirement: "A stream that its limit ends closes with `response.incomplete`.",
    reference: "OpenAPI ResponseIncompleteEvent",
    breaks: "The Vercel AI SDK shows a cut answer as a complete one.",
    async run(context) {
      const events = await requireResponseEvents(context, { input: LONG_PROMPT, max_output_tokens: 16 });
      const { type, response } = requireEnd(events);
      const { usage } = response;
      const used = isJsonObject(usage) ? usage["output_tokens"] : undefined;
      if (type === "response.completed" && typeof used === "number" && used < 16) {
        throw new Inconclusive("the model ended by itself", "model");
      }
      const actual = JSON.stringify(type);
      expectThat(type === "response.incomplete", { observer: "wire", expected: "response.incomplete", actual });
    },
  }),
];
