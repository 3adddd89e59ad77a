/**
 * Expectations on a streamed answer: raw frames, and chat chunks read out of them. Framing facts come from `sse.ts`.
 */

import type { Exchange } from "./exchange.ts";
import { expectResponse, isJsonObject, type JsonObject } from "./expect.ts";
import { Failure, Inconclusive } from "./outcome-signals.ts";
import type { Owners } from "./owners.ts";
import { bodyBytes, excerpt } from "./response-body.ts";
import { parseSse, type SseFrame, type SseStream } from "./sse.ts";

/** The `data` that ends a stream of chunks. */
export const DONE = "[DONE]";

/** Everything about the framing of the body. @throws Failure when no response arrived */
export function sseStream(exchange: Exchange): SseStream {
  if (expectResponse(exchange).truncated)
    throw new Inconclusive("the stream is longer than what is recorded", "unrecorded");
  return parseSse(bodyBytes(exchange));
}

/** All frames in wire order: comments and `[DONE]` included. */
export function sseFrames(exchange: Exchange): readonly SseFrame[] {
  return sseStream(exchange).frames;
}

/** The JSON of every data frame before `[DONE]`. @throws Failure by the wire when one is no JSON object */
export function jsonFrames(exchange: Exchange): readonly JsonObject[] {
  return readFrames(sseFrames(exchange), exchange);
}

/**
 * The same of a stream that was left: what has arrived of a frame that has not ended is none yet, as the format says.
 * @throws Failure as {@link jsonFrames}
 */
export function jsonFramesUntilLeft(exchange: Exchange): readonly JsonObject[] {
  const whole = sseFrames(exchange).filter(({ blankLines }) => blankLines > 0);
  return readFrames(whole, exchange);
}

function readFrames(frames: readonly SseFrame[], exchange: Exchange): readonly JsonObject[] {
  const data = frames.flatMap((frame) => frame.data ?? []);
  const done = data.indexOf(DONE);
  return (done === -1 ? data : data.slice(0, done)).map((text) => parseFrame(text, exchange));
}

function parseFrame(text: string, exchange: Exchange): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Not JSON: reported below like JSON that is no object.
  }
  throw new Failure({
    observer: "wire",
    expected: "each data frame to be one JSON object",
    actual: excerpt(text) === "" ? "an empty frame" : excerpt(text),
    exchange,
  });
}

/** One choice of a chunk, with nothing promised but that `delta` is an object. */
export interface ChatChunkChoice extends JsonObject {
  readonly delta: JsonObject;
}

export interface ChatChunk extends JsonObject {
  readonly choices: readonly ChatChunkChoice[];
}

/**
 * Chat chunks as raw JSON, for checks that look inside them. Other checks own the stream's framing and the chunks'
 * shape, so that a stream which can't be read leaves the caller inconclusive. @throws Inconclusive
 */
export function chatChunks(exchange: Exchange, owners: Owners): readonly ChatChunk[] {
  const response = expectResponse(exchange);
  if (response.status !== 200) throw new Inconclusive(`the stream was not opened: status ${response.status}`, owners);
  let frames: readonly JsonObject[];
  try {
    frames = jsonFrames(exchange);
  } catch (thrown) {
    if (thrown instanceof Failure) throw new Inconclusive(`the stream can't be read: ${thrown.message}`, owners);
    throw thrown;
  }
  if (frames.length === 0) throw new Inconclusive("the stream holds no chunk", owners);
  if (!frames.every(isChatChunk)) throw new Inconclusive("a chunk has no readable `choices`", owners);
  return frames;
}

function isChatChunk(frame: JsonObject): frame is ChatChunk {
  const { choices } = frame;
  return Array.isArray(choices) && choices.every((choice) => isJsonObject(choice) && isJsonObject(choice["delta"]));
}

/** The text of one choice, put together from its deltas as a client does it. */
export function streamedText(chunks: readonly ChatChunk[], choiceIndex = 0): string {
  return chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice["index"] === choiceIndex)
    .map(({ delta }) => (typeof delta["content"] === "string" ? delta["content"] : ""))
    .join("");
}
