/**
 * Stores a chat completion of an upstream for which `store` was true, before its end is sent. It gets an id of this
 * server: upstreams may give one twice.
 */

import { randomBytes } from "node:crypto";
import { AiError, isRecord } from "@openai-compat/core";
import type { AuthorisedCall, StoredItem, UpstreamRun, WireObject } from "@openai-compat/core";
import { encodeSseEvent } from "../../../http/sse.ts";
import type { KeepUpstreamRun } from "../model-route.ts";
import { resolveUse } from "../stored/state-dependencies.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";
import { readEventData } from "../upstream/read-event-data.ts";
import type { StoredChatBody } from "./decode-upstream.ts";
import { foldChunks } from "./fold-chunks.ts";

const DONE = "data: [DONE]\n\n";

/** What an account has no room for is answered, but not stored. */
export function createUpstreamKeeper(
  body: StoredChatBody,
  { principal: { accountId } }: AuthorisedCall,
  { responses, settings }: StateDependencies,
): KeepUpstreamRun {
  const id = `chatcmpl-${randomBytes(16).toString("hex")}`;
  const keep = async (answer: WireObject): Promise<void> => {
    const use = resolveUse(settings, Date.now());
    const messages = body.messages.map((message, index) => encodeMessage(message, `${id}-${index}`));
    const completion = { ...answer, id, metadata: body.metadata ?? {} };
    await responses.insertChat({ id, accountId, createdAtMs: use.nowMs, completion, messages }, use);
  };
  return async (run, includeUsage): Promise<UpstreamRun> => {
    if (run.kind === "chunks")
      return { ...run, chunks: keepChunks(run.chunks, { id, includeUsage, keep, bytesMax: settings.accountBytesMax }) };
    const answer = { ...parse(Buffer.from(run.body).toString()), id };
    await keep(answer);
    return { ...run, body: Buffer.from(JSON.stringify(answer)) };
  };
}

interface KeepOptions {
  readonly id: string;
  readonly includeUsage: boolean;
  readonly keep: (answer: WireObject) => Promise<void>;
  /** Of all chunks: what is more could not be stored, and is not collected. */
  readonly bytesMax: number;
}

/** Not a generator: one that was never started would not close the upstream's answer. */
function keepChunks(
  chunks: AsyncIterable<Uint8Array>,
  { id, includeUsage, keep, bytesMax }: KeepOptions,
): AsyncIterable<Uint8Array> {
  const data = readEventData(chunks);
  let seen: WireObject[] = [];
  let seenBytes = 0;
  let isOver = false;
  const events: AsyncIterableIterator<Uint8Array> = {
    async next() {
      for (;;) {
        if (isOver) return { done: true, value: undefined };
        const { done, value } = await data.next();
        if (done === true) {
          isOver = true;
          if (seenBytes <= bytesMax) await keep(foldChunks(seen));
          return { value: Buffer.from(DONE) };
        }
        const chunk = { ...parse(value), id };
        seenBytes += Buffer.byteLength(value);
        if (seenBytes <= bytesMax) seen.push(chunk);
        else seen = [];
        const sent = includeUsage ? chunk : hideUsage(chunk);
        if (sent !== null) return { value: Buffer.from(encodeSseEvent(sent)) };
      }
    },
    async return() {
      await data.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => events,
  };
  return events;
}

/** @returns null for a chunk of nothing else */
function hideUsage({ usage, ...chunk }: WireObject): WireObject | null {
  const hasChoices = Array.isArray(chunk["choices"]) && chunk["choices"].length > 0;
  return usage === undefined || usage === null || hasChoices ? chunk : null;
}

function parse(text: string): WireObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // As what is JSON and no object.
  }
  throw new AiError("upstream_failed", "The upstream's answer is no chat completion.");
}

/** A message as the list of a completion's messages shows it; what is in it, the upstream has accepted. */
function encodeMessage(message: StoredChatBody["messages"][number], id: string): StoredItem {
  const { content = null, name = null } = message;
  const parts = Array.isArray(content) ? content : null;
  const texts = (parts ?? []).flatMap((part: unknown) =>
    isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : [],
  );
  const text = parts === null ? content : texts.join("");
  return { id, item: { ...message, id, content: text, name, content_parts: parts } };
}
