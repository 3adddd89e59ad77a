/** Defects of streamed chunks and of how they are sent. */

import type { Chunk } from "../../operations/chat-answer.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import {
  afterAll,
  isChat,
  isChatStream,
  isStream,
  type Mutant,
  mutateChunkChoice,
  mutateChunks,
  mutateReply,
  oneWrite,
  parseSent,
  withHeader,
  omit,
} from "../mutant.ts";

/** Changes each chunk. */
function mutateChunk(
  id: string,
  description: string,
  intended: string,
  change: (chunk: Chunk, index: number) => object,
): Mutant {
  return mutateChunks({ id, description, intended: [intended] }, (chunks) => chunks.map(change));
}

/** Whether the answer is free text: what is lost of structured output is another check's. */
function isFree(body: ChatBody): boolean {
  return !body["tools"] && !body["response_format"];
}

function hasContent(chunk: Chunk): boolean {
  return Boolean(chunk.choices[0]?.delta.content);
}

/** One chunk for each UTF-16 code unit of the text, as a server that splits by bytes or units would send. */
function splitUnits(chunk: Chunk): readonly Chunk[] {
  const [choice] = chunk.choices;
  const content = choice?.delta.content;
  if (choice === undefined || !content) return [chunk];
  // oxlint-disable-next-line unicorn/prefer-spread -- units are needed here, not characters
  return content.split("").map((unit, at) => ({
    ...chunk,
    choices: [{ ...choice, delta: { content: unit }, logprobs: at === 0 ? choice.logprobs : null }],
  }));
}

const GENERATION_MS = 4000;

export const chatStreamMutants: readonly Mutant[] = [
  mutateReply(
    {
      id: "stream.content-type",
      description: "a stream is declared as NDJSON",
      intended: ["chat.stream.content-type"],
    },
    isChatStream,
    (reply) => withHeader(reply, "content-type", "application/x-ndjson"),
  ),
  mutateReply(
    {
      id: "stream.is-json",
      description: "`stream: true` is answered with one JSON body under the stream's content type",
      intended: ["chat.stream.sdk-sees-chunks"],
    },
    isChatStream,
    () => ({ writes: oneWrite('{"object":"chat.completion","choices":[]}') }),
  ),
  mutateChunk("stream.choices-null", "the usage chunk has `choices: null`", "chat.stream.choices-array", (chunk) =>
    chunk.choices.length === 0 ? { ...chunk, choices: null } : chunk,
  ),
  mutateChunk("stream.object-wrong", "`object` is that of a whole completion", "chat.stream.object", (chunk) => ({
    ...chunk,
    object: "chat.completion",
  })),
  mutateChunk("stream.id-changes", "each chunk has another id", "chat.stream.same-id", (chunk, index) => ({
    ...chunk,
    id: `${chunk.id}-${index}`,
  })),
  mutateChunk("stream.created-moves", "each chunk has another time", "chat.stream.same-created", (chunk, index) => ({
    ...chunk,
    created: chunk.created + index,
  })),
  mutateChunk(
    "stream.created-milliseconds",
    "`created` is in milliseconds",
    "chat.stream.created-seconds",
    (chunk) => ({
      ...chunk,
      created: chunk.created * 1000,
    }),
  ),
  mutateChunk(
    "stream.model-vanishes",
    "chunks after the first have no model",
    "chat.stream.same-model",
    (chunk, index) => (index === 0 ? chunk : { ...chunk, model: "" }),
  ),
  mutateChunk("stream.fingerprint-number", "`system_fingerprint` is a number", "chat.stream.schema", (chunk) => ({
    ...chunk,
    system_fingerprint: 42,
  })),
  mutateChunkChoice(
    {
      id: "stream.index-missing",
      description: "choices have no index",
      intended: ["chat.stream.index", "chat.stream.sdk-helper"],
    },
    (choice) => omit(choice, "index"),
  ),
  mutateChunkChoice(
    {
      id: "stream.role-missing",
      description: "no delta has a role",
      intended: ["chat.stream.role-first", "chat.stream.sdk-helper"],
    },
    (choice) => ({ ...choice, delta: omit(choice.delta, "role") }),
  ),
  mutateChunkChoice(
    {
      id: "stream.role-late",
      description: "the role comes with the second delta",
      intended: ["chat.stream.role-first"],
    },
    (choice, { index }) => ({
      ...choice,
      delta: { ...omit(choice.delta, "role"), ...(index === 1 ? { role: "assistant" } : {}) },
    }),
  ),
  mutateChunkChoice(
    { id: "stream.role-repeated", description: "every delta has the role", intended: ["chat.stream.role-once"] },
    (choice) => ({ ...choice, delta: { ...choice.delta, role: "assistant" } }),
  ),
  mutateChunkChoice(
    {
      id: "stream.content-parts",
      description: "`delta.content` is an array of parts",
      intended: ["chat.stream.content-type-of-delta"],
    },
    (choice) => ({
      ...choice,
      delta: { ...choice.delta, content: [{ type: "text", text: choice.delta.content ?? "" }] },
    }),
  ),
  mutateChunkChoice(
    {
      id: "stream.finish-empty",
      description: '`finish_reason` is "" before the end',
      intended: ["chat.stream.finish-null-before"],
    },
    (choice, { isLast }) => (isLast ? choice : { ...choice, finish_reason: "" }),
  ),
  mutateChunkChoice(
    {
      id: "stream.finish-absent",
      description: "`finish_reason` is missing before the end",
      intended: ["chat.stream.finish-null-before"],
    },
    ({ finish_reason: reason, ...choice }, { isLast }) => (isLast ? { ...choice, finish_reason: reason } : choice),
  ),
  mutateChunkChoice(
    {
      id: "stream.finish-never",
      description: "`finish_reason` stays null",
      intended: ["chat.stream.finish-once", "chat.stream.sdk-helper"],
    },
    (choice) => ({ ...choice, finish_reason: null }),
  ),
  mutateChunks(
    { id: "stream.finish-twice", description: "the last chunk is sent twice", intended: ["chat.stream.finish-once"] },
    (chunks) => chunks.flatMap((chunk) => (chunk.choices[0]?.finish_reason ? [chunk, chunk] : [chunk])),
  ),
  mutateChunkChoice(
    {
      id: "stream.finish-unknown",
      description: '`finish_reason` is "eos_token"',
      intended: ["chat.stream.finish-valid"],
    },
    (choice, { isLast }) => (isLast ? { ...choice, finish_reason: "eos_token" } : choice),
  ),
  mutateChunks(
    {
      id: "stream.usage-unasked",
      description: "the usage chunk comes unasked",
      intended: ["chat.stream.usage-only-when-asked"],
    },
    (chunks) => (chunks.at(-1)?.choices.length === 0 ? chunks : [...chunks, { ...chunks[0], choices: [] }]),
  ),
  mutateChunks(
    { id: "stream.usage-not-sent", description: "include_usage is ignored", intended: ["chat.stream.usage-chunk"] },
    (chunks) => chunks.filter((chunk) => chunk.choices.length > 0),
  ),
  mutateChunks(
    {
      id: "stream.usage-with-choice",
      description: "the usage comes with the last choice",
      intended: ["chat.stream.usage-chunk-alone"],
    },
    (chunks) => {
      const usage = chunks.at(-1)?.usage;
      const full = chunks.filter((chunk) => chunk.choices.length > 0);
      if (full.length === chunks.length) return chunks;
      return full.map((chunk, index) => (index === full.length - 1 ? { ...chunk, usage } : chunk));
    },
  ),
  mutateChunks(
    {
      id: "stream.usage-on-all",
      description: "every chunk has the usage so far",
      intended: ["chat.stream.usage-once"],
    },
    (chunks) => chunks.map((chunk) => ({ ...chunk, usage: chunks.at(-1)?.usage ?? null })),
  ),
  mutateChunks(
    {
      id: "stream.ghost-choice",
      description: "a second choice is begun and never finished",
      intended: ["chat.stream.index", "chat.stream.sdk-helper"],
    },
    (chunks) => [
      ...chunks.slice(0, 1),
      ...chunks.slice(0, 1).map((chunk) => ({
        ...chunk,
        choices: chunk.choices.map((choice) => ({ ...choice, index: 1, delta: {} })),
      })),
      ...chunks.slice(1),
    ],
  ),
  mutateChunks(
    {
      id: "stream.delta-dropped",
      description: "one delta is lost",
      intended: ["chat.logprobs.streamed", "chat.stream.equals-one-shot"],
    },
    (chunks, body) => (isFree(body) ? chunks.filter((_, index) => index !== 3) : chunks),
  ),
  mutateChunks(
    {
      id: "stream.delta-doubled",
      description: "one delta is sent twice",
      intended: ["chat.logprobs.streamed", "chat.stream.equals-one-shot"],
    },
    (chunks, body) =>
      isFree(body) ? chunks.flatMap((chunk, index) => (index === 3 ? [chunk, chunk] : [chunk])) : chunks,
  ),
  mutateChunks(
    {
      id: "stream.half-characters",
      description: "characters are split between deltas",
      intended: ["chat.stream.whole-characters"],
    },
    (chunks) => chunks.flatMap(splitUnits),
  ),
  mutateChunkChoice(
    {
      id: "stream.replacement-characters",
      description: "split characters become U+FFFD",
      intended: ["chat.stream.whole-characters"],
    },
    (choice) => ({ ...choice, delta: { ...choice.delta, ...replaceEmoji(choice.delta.content) } }),
  ),
  mutateChunks(
    {
      id: "stream.one-delta",
      description: "the whole text is one delta, with the log probability of its first token",
      intended: ["chat.logprobs.streamed", "chat.stream.several-deltas"],
    },
    (chunks) => {
      const content = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
      const first = chunks.findIndex(hasContent);
      return chunks.flatMap((chunk, index) => {
        if (!hasContent(chunk)) return [chunk];
        const choices = chunk.choices.map((choice) => ({ ...choice, delta: { content } }));
        return index === first ? [{ ...chunk, choices }] : [];
      });
    },
  ),
  mutateReply(
    { id: "stream.buffered", description: "all chunks are sent at once", intended: ["chat.stream.flushed"] },
    (reply, call) => isStream(reply) && isChat(call) && parseSent(call)["max_tokens"] === 48,
    (reply) => ({ writes: afterAll(reply) }),
  ),
  {
    id: "stream.slot-kept",
    description: "a long answer keeps the only slot to its end, though its client disconnected",
    intended: ["chat.stream.leaving-frees-the-slot"],
    mutate: () => {
      let freeAt = 0;
      return {
        reply: (reply, call) => {
          if (isStream(reply) && parseSent(call)["max_tokens"] === 400) freeAt = Date.now() + GENERATION_MS;
          return reply;
        },
        admission: async (call) => {
          const waitMs = isChat(call) && parseSent(call)["stream"] !== true ? freeAt - Date.now() : 0;
          if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        },
      };
    },
  },
];

function replaceEmoji(content: string | null | undefined): { content?: string } {
  return typeof content !== "string" ? {} : { content: content.replaceAll(/\p{Extended_Pictographic}/gu, "\uFFFD") };
}
