/** An upstream's response, whole or as events, as native events, one after the other. */

import { AiError, isRecord } from "@openai-compat/core";
import type { UpstreamRun } from "@openai-compat/core";
import { readEventData } from "../../upstream/read-event-data.ts";
import type { NativeEvent } from "./native-event.ts";

/** @throws AiError `upstream_failed` for what is no response, and for one in one piece that failed */
export function readNative(run: UpstreamRun): AsyncIterable<NativeEvent> {
  if (run.kind === "chunks") return mapData(run.chunks);
  const response = parse(Buffer.from(run.body).toString());
  const { status } = response;
  if (status === "failed" || status === "cancelled") {
    throw new AiError("upstream_failed", "The model failed to answer. Please try again.");
  }
  const type = status === "incomplete" ? "response.incomplete" : "response.completed";
  return toAsync({ type: "native-event", event: { type, response } });
}

/** Not a generator: one that was never started would not close the upstream's answer. */
function mapData(chunks: AsyncIterable<Uint8Array>): AsyncIterable<NativeEvent> {
  const data = readEventData(chunks);
  const events: AsyncIterableIterator<NativeEvent> = {
    async next() {
      const { done, value } = await data.next();
      if (done === true) return { done: true, value: undefined };
      return { value: { type: "native-event", event: parse(value) } };
    },
    async return() {
      await data.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => events,
  };
  return events;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (isRecord(value)) return value;
  throw new AiError("upstream_failed", "The model gave an answer that can't be used.");
}

async function* toAsync(event: NativeEvent): AsyncGenerator<NativeEvent, void> {
  yield event;
}
