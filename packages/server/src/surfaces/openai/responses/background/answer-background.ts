/** What callers see of a response in the background: the answer to its request, its events, and what it is by now. */

import { AiError } from "@openai-compat/core";
import type { RunKey, WireObject } from "@openai-compat/core";
import type { EventStreamProtocol } from "../../../../http/encode-event-stream.ts";
import { encodeEventStream } from "../../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../../http/sse.ts";
import type { RouteScope } from "../../model-route.ts";
import { createPadding } from "../../protocol/event-streams.ts";
import { respondInSlices } from "../../stored/page.ts";
import { createStreamResponse } from "../../stream-response.ts";
import type { BackgroundRuns, BeginRun } from "./background-runs.ts";

export interface AnswerOptions {
  readonly backgrounds: BackgroundRuns;
  readonly run: BeginRun;
  readonly stream: boolean;
  readonly includeObfuscation: boolean;
}

/** Begins it, and answers at once. @throws AiError what refuses it */
export async function answerInBackground(
  { backgrounds, run, stream, includeObfuscation }: AnswerOptions,
  scope: RouteScope,
): Promise<Response> {
  const key = await backgrounds.begin(run);
  if (stream) return streamRun({ backgrounds, key, after: -1, includeObfuscation }, scope);
  const response = await backgrounds.find(key);
  if (response === null) throw new AiError("internal", "The response is gone.");
  return respondInSlices(response, scope.call);
}

export interface StreamOptions {
  readonly backgrounds: BackgroundRuns;
  readonly key: RunKey;
  /** The number of the last event that the caller has. */
  readonly after: number;
  readonly includeObfuscation: boolean;
}

/** Who leaves the stream leaves the response as it is. */
export function streamRun(
  { backgrounds, key, after, includeObfuscation }: StreamOptions,
  { call, context }: RouteScope,
): Promise<Response> {
  context.noteStream(true);
  const events = backgrounds.read(key, { after, signal: call.signal });
  const encode = (event: WireObject) => {
    const { type } = event;
    return encodeSseEvent(includeObfuscation ? pad(event) : event, typeof type === "string" ? type : "message");
  };
  const options = { protocol: PROTOCOL, signal: call.signal, onError: context.reportError };
  const started = { events: encodeEventStream(events, encode, options) };
  return createStreamResponse(Promise.resolve(started), { call, context, protocol: PROTOCOL });
}

/** What breaks is the reading: the response goes on, and can be read again. */
const PROTOCOL: EventStreamProtocol = {
  ending: null,
  encodeError: ({ code, message }) => encodeSseEvent({ type: "error", code, message, param: null }, "error"),
};

function pad(event: WireObject): WireObject {
  const { delta } = event;
  return typeof delta === "string" ? { ...event, obfuscation: createPadding(delta) } : event;
}
