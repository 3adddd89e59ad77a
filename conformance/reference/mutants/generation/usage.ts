/** Defects of what is counted for several choices, of usage that nobody asked for, and of refusals in streams. */

import type { Chunk, Usage } from "../../operations/chat-answer.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { encodeTextChunks, type TextCompletion } from "../../operations/text-answer.ts";
import { wantsUsage } from "../../operations/create-chat-completion.ts";
import type { ReferenceCall, Reply } from "../../call.ts";
import { mutateText } from "../completions/changes.ts";
import {
  type Mutant,
  mutateChunks,
  mutateCompletion,
  mutateOperation,
  mutateReply,
  type Naming,
  oneWrite,
  parseSent,
  readReply,
  withHeader,
} from "../mutant.ts";

interface Counted {
  readonly usage?: Usage | null;
}

/** As llama.cpp's server counts. */
function countOne<T extends Counted>(answer: T, { n }: ChatBody): T {
  if (n !== 2 || !answer.usage) return answer;
  const { prompt_tokens: input, completion_tokens: output } = answer.usage;
  const half = output / 2;
  return { ...answer, usage: { prompt_tokens: input, completion_tokens: half, total_tokens: input + half } };
}

const ZEROS: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

function countNothing<T extends Chunk | TextCompletion>(events: readonly T[], body: ChatBody): readonly T[] {
  return wantsUsage(body) ? events : events.map((event) => ({ ...event, usage: ZEROS }));
}

function mutateTextEvents(
  naming: Naming,
  change: (events: readonly TextCompletion[], body: ChatBody) => readonly TextCompletion[],
): Mutant {
  return mutateOperation(naming, "createCompletion", () => ({
    encodeStream: (answer) => change(encodeTextChunks(answer, wantsUsage(answer.request)), answer.request),
  }));
}

const naming = (id: string, description: string, intended: string): Naming => ({
  id,
  description,
  intended: [intended],
});

/** What the model or an upstream refuses, and the server itself does not look at. */
const FOUND_LATE = ["temperature", "tools", "tool_choice", "response_format", "logprobs"];

function isFoundLate(reply: Reply, call: ReferenceCall): boolean {
  if (reply.status !== 400 || parseSent(call)["stream"] !== true) return false;
  return FOUND_LATE.some((name) => readReply(reply).includes(`"param":"${name}`));
}

function refuseInside(operation: "createChatCompletion" | "createCompletion", area: string): Mutant {
  return mutateReply(
    naming(
      `${area}.refused-late`,
      `${area}: what is found after the stream has begun is an event of it`,
      `${area}.stream.refused-alike`,
    ),
    (reply, call) => call.operation === operation && isFoundLate(reply, call),
    (reply) => ({
      ...withHeader(reply, "content-type", "text/event-stream"),
      status: 200,
      writes: oneWrite(`data: ${readReply(reply)}\n\ndata: [DONE]\n\n`),
    }),
  );
}

export const usageMutants: readonly Mutant[] = [
  mutateCompletion(naming("n.usage-of-one", "the usage of two choices is of one", "chat.n.usage"), countOne),
  mutateChunks(
    naming("n.usage-of-one-stream", "a stream's usage is of one choice", "chat.n.usage-stream"),
    (chunks, body) => chunks.map((chunk) => countOne(chunk, body)),
  ),
  mutateText(naming("completions.usage-of-one", "the usage of two texts is of one", "completions.n.usage"), countOne),
  mutateTextEvents(
    naming("completions.usage-of-one-stream", "a stream's usage is of one text", "completions.n.usage-stream"),
    (events, body) => events.map((event) => countOne(event, body)),
  ),
  mutateChunks(
    naming("stream.usage-zeros", "each chunk counts nothing, unasked", "chat.stream.usage-zeros"),
    countNothing,
  ),
  mutateTextEvents(
    naming("completions.usage-zeros", "each event counts nothing, unasked", "completions.stream.usage-zeros"),
    countNothing,
  ),
  refuseInside("createChatCompletion", "chat"),
  refuseInside("createCompletion", "completions"),
];
