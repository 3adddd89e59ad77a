/**
 * One call of each operation that costs something, in each way of answering: what is said of limits, credits and slots
 * is checked on all of them by one invariant. Nothing here judges.
 */

import { type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import type OpenAI from "openai";
import type { Need } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { throwIfUnsupported } from "../../src/expect.ts";
import type { KeyName, ModelRole } from "../../src/target.ts";
import { LONG_PROMPT } from "./chat-calls.ts";
import { COUNTING } from "./completion-calls.ts";
import { requireStatus } from "./envelope.ts";
import { requireOffered } from "./operation-probes.ts";
import { silentRecording } from "./silence.ts";

export type BilledSlug =
  | "chat"
  | "chat-stream"
  | "completions"
  | "completions-stream"
  | "responses"
  | "responses-stream"
  | "embeddings"
  | "transcriptions"
  | "transcriptions-stream"
  | "translations"
  | "speech"
  | "speech-stream";

interface Way {
  /** Part of permanent check ids. */
  readonly slug: BilledSlug;
  readonly role: ModelRole & ("chat" | "embedding" | "transcription" | "speech");
  /** The parameter that a server without such streams refuses by name. */
  readonly optional?: string;
  /** To its end. `size`: tokens of the answer, or words of the input. */
  readonly call: (client: OpenAI, model: string, size: number) => Promise<unknown>;
}

export interface BilledCall extends Way {
  readonly operation: HttpOperationId;
  readonly isStreamed: boolean;
  readonly needs: readonly Need[];
}

/** An input of so many words, none of which is long. */
function words(size: number): string {
  return "sea ".repeat(size).trimEnd();
}

async function readToEnd(stream: Promise<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await stream);
}

const MESSAGES = [{ role: "user", content: LONG_PROMPT }] as const;

/** None for an operation that is free of charge, and for one whose checks are its own. */
const WAYS: Readonly<Record<HttpOperationId, readonly Way[]>> = {
  listModels: [],
  retrieveModel: [],
  createChatCompletion: [
    {
      slug: "chat",
      role: "chat",
      call: (client, model, size) =>
        client.chat.completions.create({ model, messages: [...MESSAGES], max_tokens: size }),
    },
    {
      slug: "chat-stream",
      role: "chat",
      call: (client, model, size) =>
        readToEnd(client.chat.completions.create({ model, messages: [...MESSAGES], max_tokens: size, stream: true })),
    },
  ],
  listChatCompletions: [],
  getChatCompletion: [],
  updateChatCompletion: [],
  deleteChatCompletion: [],
  getChatCompletionMessages: [],
  createCompletion: [
    {
      slug: "completions",
      role: "chat",
      call: (client, model, size) => client.completions.create({ model, prompt: COUNTING, max_tokens: size }),
    },
    {
      slug: "completions-stream",
      role: "chat",
      call: (client, model, size) =>
        readToEnd(client.completions.create({ model, prompt: COUNTING, max_tokens: size, stream: true })),
    },
  ],
  createResponse: [
    {
      slug: "responses",
      role: "chat",
      call: (client, model, size) =>
        client.responses.create({ model, input: LONG_PROMPT, max_output_tokens: size, store: false }),
    },
    {
      slug: "responses-stream",
      role: "chat",
      call: (client, model, size) => {
        const request = { model, input: LONG_PROMPT, max_output_tokens: size, store: false } as const;
        return readToEnd(client.responses.create({ ...request, stream: true }));
      },
    },
  ],
  getResponse: [],
  cancelResponse: [],
  deleteResponse: [],
  listInputItems: [],
  Getinputtokencounts: [],
  // A request can't say how long the summary may be.
  Compactconversation: [],
  createConversation: [],
  getConversation: [],
  updateConversation: [],
  deleteConversation: [],
  createConversationItems: [],
  listConversationItems: [],
  getConversationItem: [],
  deleteConversationItem: [],
  createEmbedding: [
    {
      slug: "embeddings",
      role: "embedding",
      call: (client, model, size) => client.embeddings.create({ model, input: words(size) }),
    },
  ],
  createTranscription: [
    {
      slug: "transcriptions",
      role: "transcription",
      call: async (client, model) => client.audio.transcriptions.create({ model, file: silentRecording() }),
    },
    {
      slug: "transcriptions-stream",
      role: "transcription",
      optional: "stream",
      call: (client, model) =>
        readToEnd(client.audio.transcriptions.create({ model, file: silentRecording(), stream: true })),
    },
  ],
  createTranslation: [
    {
      slug: "translations",
      role: "transcription",
      call: async (client, model) => client.audio.translations.create({ model, file: silentRecording() }),
    },
  ],
  createSpeech: [
    {
      slug: "speech",
      role: "speech",
      call: (client, model, size) =>
        client.audio.speech.create({ model, voice: "alloy", response_format: "wav", input: words(size) }),
    },
    {
      slug: "speech-stream",
      role: "speech",
      optional: "stream_format",
      call: async (client, model, size) => {
        const asked = {
          model,
          voice: "alloy",
          response_format: "wav",
          stream_format: "sse",
          input: words(size),
        } as const;
        return (await client.audio.speech.create(asked)).arrayBuffer();
      },
    },
  ],
  "create-realtime-client-secret": [],
};

/** In the order of the specification. */
export const BILLED_CALLS: readonly BilledCall[] = listHttpOperations(operations).flatMap(({ id }) =>
  WAYS[id].map((way) => ({
    ...way,
    operation: id,
    isStreamed: way.slug.endsWith("-stream"),
    needs: [`model:${way.role}`] as const,
  })),
);

/** As in a requirement: "a streamed createCompletion". */
export function describeCall({ operation, isStreamed }: BilledCall): string {
  return `${isStreamed ? "a streamed" : "a"} ${operation}`;
}

export interface BilledOptions {
  /** Default `full`. */
  readonly credential?: KeyName;
  /** Default: that of the recipe's role. */
  readonly model?: string;
  /** Default 1. */
  readonly size?: number;
}

/** The call through the SDK, whatever comes of it. */
export async function askBilled(
  context: CheckContext,
  { call, role }: BilledCall,
  { credential = "full", model = String(context.models[role]), size = 1 }: BilledOptions = {},
): Promise<Exchange> {
  return (await context.sdk((client) => call(client, model, size), { credential })).exchange;
}

/**
 * That the full key gets an answer, so that another key's answer says something.
 *
 * @throws NotTestable, Inconclusive, Unsupported
 */
export async function requireAnswered(
  context: CheckContext,
  billed: BilledCall,
  options: BilledOptions = {},
): Promise<void> {
  await requireOffered(context, billed.operation);
  const exchange = await askBilled(context, billed, options);
  if (billed.optional !== undefined) throwIfUnsupported(exchange, billed.optional);
  requireStatus(exchange, 200);
}
