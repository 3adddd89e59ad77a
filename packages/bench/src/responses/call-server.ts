/** Calls of both surfaces for load: a stream whose deltas are counted and timed, and an answer. */

import type { ServerTarget } from "../local-server.ts";

/** One surface: its path and what is different in its requests and streams. */
export interface Surface {
  readonly path: string;
  /** @returns the body of a request for a stream of so many tokens. */
  readonly streamBody: (model: string, tokens: number) => unknown;
  /** What is in each event with a part of the text, and in no other. */
  readonly deltaMark: string;
}

export interface TimedStream {
  readonly deltas: number;
  readonly firstDeltaMs: number;
}

async function post({ baseUrl, apiKey }: ServerTarget, path: string, body: unknown): Promise<Response> {
  const answer = await fetch(`${baseUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** @throws Error when no part of a text came. */
export async function timeStream(target: ServerTarget, surface: Surface, tokens: number): Promise<TimedStream> {
  const startedAt = performance.now();
  const answer = await post(target, surface.path, surface.streamBody(target.model, tokens));
  let [deltas, firstDeltaMs, rest] = [0, Number.NaN, ""];
  for await (const piece of (answer.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())) {
    const events = (rest + piece).split("\n\n");
    rest = events.pop() ?? "";
    deltas += events.filter((event) => event.includes(surface.deltaMark)).length;
    if (deltas > 0 && Number.isNaN(firstDeltaMs)) firstDeltaMs = performance.now() - startedAt;
  }
  if (deltas === 0) throw new Error(`${surface.path} streamed no text`);
  return { deltas, firstDeltaMs };
}

/** @returns the answer, which is JSON. */
export async function callJson(target: ServerTarget, path: string, body: unknown): Promise<unknown> {
  return (await post(target, path, body)).json();
}
