/**
 * One small valid call per operation of the specification, through the SDK, and whether a target has the operation at
 * all. Nothing here judges the answer.
 */

import { type HttpOperation, type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import type OpenAI from "openai";
import type { Need } from "../../src/check.ts";
import { type CheckContext, defineShared } from "../../src/check-context.ts";
import { expectResponse } from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { composeSdkChat, composeSdkStream, FIRST_TOKEN, SHORT_PROMPT } from "./chat-calls.ts";
import { silentRecording } from "./silence.ts";

export interface OperationProbe {
  readonly operation: HttpOperationId;
  /** Part of permanent check ids. */
  readonly slug: string;
  readonly needs: readonly Need[];
  readonly call: (client: OpenAI, context: CheckContext) => Promise<unknown>;
  /** The same for a stream, of which nothing is read; absent where the operation has none. */
  readonly stream?: (client: OpenAI, context: CheckContext) => Promise<unknown>;
}

function completionModel({ completion, chat }: CheckContext["models"]): string {
  return String(completion ?? chat);
}

/** Stands for a model where the recipe names none: a caller who is refused never gets so far that it matters. */
const ANY_MODEL = "default";

/** Nothing more of a stream is read once it has begun. */
async function leave(stream: Promise<{ readonly controller: AbortController }>): Promise<void> {
  (await stream).controller.abort();
}

function composeSpeech({ models }: CheckContext): object {
  return { ...operations.createSpeech.examples.request, model: models.speech ?? ANY_MODEL };
}

/** A caller who is refused learns nothing of it. */
const UNKNOWN_ID = "conformance-unknown";

type Probe = Omit<OperationProbe, "operation">;

/**
 * Where more than the example of the specification is needed: a model of the recipe, a form, a parameter of the path.
 */
const PROBES: Readonly<Partial<Record<HttpOperationId, Probe>>> = {
  listModels: { slug: "models-list", needs: [], call: async (client) => client.models.list() },
  retrieveModel: {
    slug: "models-retrieve",
    needs: ["model:chat"],
    call: async (client, { models }) => client.models.retrieve(String(models.chat)),
  },
  createChatCompletion: {
    slug: "chat",
    needs: ["model:chat"],
    call: async (client, context) => client.chat.completions.create(composeSdkChat(context, FIRST_TOKEN)),
    stream: async (client, context) => leave(client.chat.completions.create(composeSdkStream(context, FIRST_TOKEN))),
  },
  listChatCompletions: { slug: "stored-chats-list", needs: [], call: async (client) => client.chat.completions.list() },
  getChatCompletion: {
    slug: "stored-chats-get",
    needs: ["model:chat"],
    call: async (client) => client.chat.completions.retrieve(UNKNOWN_ID),
  },
  updateChatCompletion: {
    slug: "stored-chats-update",
    needs: ["model:chat"],
    call: async (client) => client.chat.completions.update(UNKNOWN_ID, { metadata: {} }),
  },
  deleteChatCompletion: {
    slug: "stored-chats-delete",
    needs: ["model:chat"],
    call: async (client) => client.chat.completions.delete(UNKNOWN_ID),
  },
  getChatCompletionMessages: {
    slug: "stored-chats-messages",
    needs: ["model:chat"],
    call: async (client) => client.chat.completions.messages.list(UNKNOWN_ID),
  },
  createCompletion: {
    slug: "completions",
    needs: ["model:chat"],
    call: async (client, { models }) =>
      client.completions.create({ model: completionModel(models), prompt: "The sea is", max_tokens: 1 }),
    stream: async (client, { models }) =>
      leave(
        client.completions.create({
          model: completionModel(models),
          prompt: "The sea is",
          max_tokens: 1,
          stream: true,
        }),
      ),
  },
  createResponse: {
    slug: "responses",
    needs: ["model:chat"],
    call: async (client, { models }) =>
      client.responses.create({ model: String(models.chat), input: SHORT_PROMPT, max_output_tokens: 16, store: false }),
    stream: async (client, { models }) => {
      const request = { model: String(models.chat), input: SHORT_PROMPT, max_output_tokens: 16, store: false } as const;
      return leave(client.responses.create({ ...request, stream: true }));
    },
  },
  getResponse: {
    slug: "responses-get",
    needs: ["model:chat"],
    call: async (client) => client.responses.retrieve(UNKNOWN_ID),
  },
  cancelResponse: {
    slug: "responses-cancel",
    needs: ["model:chat"],
    call: async (client) => client.responses.cancel(UNKNOWN_ID),
  },
  deleteResponse: {
    slug: "responses-delete",
    needs: ["model:chat"],
    call: async (client) => client.responses.delete(UNKNOWN_ID),
  },
  listInputItems: {
    slug: "responses-input-items",
    needs: ["model:chat"],
    call: async (client) => client.responses.inputItems.list(UNKNOWN_ID),
  },
  Getinputtokencounts: {
    slug: "responses-input-tokens",
    needs: ["model:chat"],
    // Not every major has a method for it.
    call: async (client, { models }) =>
      client.post("/responses/input_tokens", { body: { model: String(models.chat), input: "Hello." } }),
  },
  Compactconversation: {
    slug: "responses-compact",
    needs: ["model:chat"],
    call: async (client, { models }) =>
      client.post("/responses/compact", { body: { model: String(models.chat), input: "Hello." } }),
  },
  createConversation: {
    slug: "conversations",
    needs: [],
    call: async (client) => client.conversations.create({ metadata: {} }),
  },
  getConversation: {
    slug: "conversations-get",
    needs: [],
    call: async (client) => client.conversations.retrieve(UNKNOWN_ID),
  },
  updateConversation: {
    slug: "conversations-update",
    needs: [],
    call: async (client) => client.conversations.update(UNKNOWN_ID, { metadata: {} }),
  },
  deleteConversation: {
    slug: "conversations-delete",
    needs: [],
    call: async (client) => client.conversations.delete(UNKNOWN_ID),
  },
  createConversationItems: {
    slug: "conversation-items",
    needs: [],
    call: async (client) => client.conversations.items.create(UNKNOWN_ID, { items: [] }),
  },
  listConversationItems: {
    slug: "conversation-items-list",
    needs: [],
    call: async (client) => client.conversations.items.list(UNKNOWN_ID),
  },
  getConversationItem: {
    slug: "conversation-items-get",
    needs: [],
    call: async (client) => client.conversations.items.retrieve(UNKNOWN_ID, { conversation_id: UNKNOWN_ID }),
  },
  deleteConversationItem: {
    slug: "conversation-items-delete",
    needs: [],
    call: async (client) => client.conversations.items.delete(UNKNOWN_ID, { conversation_id: UNKNOWN_ID }),
  },
  createEmbedding: {
    slug: "embeddings",
    needs: [],
    call: async (client, { models }) =>
      client.embeddings.create({ model: models.embedding ?? ANY_MODEL, input: "The sea is wide." }),
  },
  createTranscription: {
    slug: "transcriptions",
    needs: [],
    call: async (client, { models }) =>
      client.audio.transcriptions.create({ model: models.transcription ?? ANY_MODEL, file: silentRecording() }),
    stream: async (client, { models }) => {
      const model = models.transcription ?? ANY_MODEL;
      return leave(client.audio.transcriptions.create({ model, file: silentRecording(), stream: true }));
    },
  },
  createTranslation: {
    slug: "translations",
    needs: [],
    call: async (client, { models }) =>
      client.audio.translations.create({ model: models.transcription ?? ANY_MODEL, file: silentRecording() }),
  },
  createSpeech: {
    slug: "speech",
    needs: [],
    call: async (client, context) => client.post("/audio/speech", { body: composeSpeech(context) }),
    stream: async (client, context) => {
      const body = { ...composeSpeech(context), stream_format: "sse" };
      const response = await client.post("/audio/speech", { body }).asResponse();
      await response.body?.cancel();
    },
  },
  "create-realtime-client-secret": {
    slug: "realtime-client-secrets",
    needs: [],
    call: async (client) => client.realtime.clientSecrets.create({ session: { type: "transcription" } }),
  },
};

/** The example of the specification, for a model that need not be there. */
function probeExample({ path, examples }: HttpOperation): Probe {
  return {
    slug: path.slice(path.lastIndexOf("/") + 1),
    needs: [],
    call: async (client) => client.post(path, { body: { ...examples.request, model: ANY_MODEL } }),
  };
}

/** In the order of the specification. */
export const OPERATION_PROBES: readonly OperationProbe[] = listHttpOperations(operations).map((operation) => ({
  operation: operation.id,
  ...(PROBES[operation.id] ?? probeExample(operation)),
}));

/** Statuses that say to a caller who may do everything: there is no such operation. */
const ABSENT_STATUSES: readonly (number | undefined)[] = [404, 405, 501];

export function isAbsent(status: number | undefined): boolean {
  return ABSENT_STATUSES.includes(status);
}

type Made = Readonly<Record<string, string>>;

/** Makes what stands in a path; `made` has what stands before it. */
const MAKERS: Readonly<
  Record<string, (client: OpenAI, context: CheckContext, made: Made) => Promise<{ readonly id: string }>>
> = {
  completion_id: async (client, context) =>
    client.chat.completions.create({ ...composeSdkChat(context, FIRST_TOKEN), store: true }),
  response_id: async (client, { models }) =>
    client.responses.create({ model: String(models.chat), input: SHORT_PROMPT, max_output_tokens: 16 }),
  conversation_id: async (client) => client.conversations.create({ metadata: {} }),
  item_id: async (client, _, { conversation_id: id = UNKNOWN_ID }) => {
    const items = [{ role: "user" as const, content: "Say hello." }];
    return { id: (await client.conversations.items.create(id, { items })).first_id };
  },
};

async function fillPath(context: CheckContext, path: string): Promise<string> {
  const made: Record<string, string> = { model: String(context.models.chat) };
  for (const [, parameter = ""] of path.matchAll(/\{(\w+)\}/g)) {
    const make = MAKERS[parameter];
    if (make === undefined) continue;
    const { value } = await context.sdk((client) => make(client, context, made));
    made[parameter] = value?.id ?? UNKNOWN_ID;
  }
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => encodeURIComponent(made[parameter] ?? UNKNOWN_ID));
}

/** Lenient servers take a request without a prompt, and answer up to its limit. */
const LITTLE = { max_tokens: 1, max_output_tokens: 1 };

/** Operations that the target of a run is known to have. */
const OFFERED = defineShared<Set<HttpOperationId>>();

/**
 * Asks with the full key for next to nothing, once in a run unless it is not there. @throws NotTestable when the target
 * does not have the operation
 */
export async function requireOffered(context: CheckContext, operation: HttpOperationId): Promise<void> {
  const offered = await context.shared(OFFERED, async () => new Set());
  if (offered.has(operation)) return;
  const { method, path } = operations[operation];
  const filled = await fillPath(context, path);
  // A server may have responses for some of its models alone.
  const named = ["createResponse", "Getinputtokencounts", "Compactconversation"].includes(operation)
    ? { ...LITTLE, model: context.models.chat, input: "Hello." }
    : LITTLE;
  const body = method === "POST" ? { body: JSON.stringify(named) } : {};
  const { status } = expectResponse(await context.wire({ method, path: filled, ...body }));
  if (isAbsent(status)) throw new NotTestable(`the target has no ${operation}: status ${status}`);
  offered.add(operation);
}
