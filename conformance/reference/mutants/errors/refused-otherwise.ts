/** Refusals that refuse, and have another status, envelope or blame than the official ones; models that answer for others. */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import {
  isChat,
  type Mutant,
  mutateRefusal,
  mutateReply,
  type Naming,
  oneWrite,
  parseSent,
  readSent,
  withHeader,
} from "../mutant.ts";

const UNKNOWN = "conformance-no-such-model";

const EMPTY_BODIES = {
  completions: "createCompletion",
  embeddings: "createEmbedding",
  speech: "createSpeech",
  transcriptions: "createTranscription",
  translations: "createTranslation",
} as const;

/** The body of FastAPI. */
const envelopes = Object.entries(EMPTY_BODIES).map(([slug, operation]) =>
  mutateRefusal(
    {
      id: `envelope.${slug}`,
      description: `the error of ${operation} is FastAPI's \`detail\``,
      intended: [`errors.envelope.${slug}`],
    },
    (_, call) => call.operation === operation && readSent(call) === "{}",
    ({ message }) => ({ detail: [{ msg: message }] }),
  ),
);

const statuses = Object.entries(EMPTY_BODIES)
  .filter(([, operation]) => !operation.startsWith("createTrans"))
  .map(([slug, operation]) =>
    mutateReply(
      {
        id: `status.${slug}-422`,
        description: `${operation} refuses with 422`,
        intended: [`errors.status.${slug}`],
      },
      (reply, call) => reply.status === 400 && call.operation === operation && readSent(call) === "{}",
      () => ({ status: 422 }),
    ),
  );

function unblame(id: string, operation: HttpOperationId, intended: string): Mutant {
  return mutateRefusal(
    { id, description: `a refusal of ${operation} names no parameter`, intended: [intended] },
    (refusal, call) => call.operation === operation && refusal.param !== null,
    ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
  );
}

/** Answers an unknown model as if it were there, under its own name. */
function answerUnknown(naming: Naming, operation: HttpOperationId, body: object): Mutant {
  return mutateReply(
    naming,
    (reply, call) =>
      reply.status === 404 &&
      call.operation === operation &&
      (operation === "retrieveModel" || parseSent(call)["model"] === UNKNOWN),
    (reply) => ({
      ...withHeader(reply, "content-type", "application/json"),
      status: 200,
      writes: oneWrite(JSON.stringify({ ...body, model: UNKNOWN })),
    }),
  );
}

export const refusedOtherwiseMutants: readonly Mutant[] = [
  ...envelopes,
  ...statuses,
  mutateReply(
    { id: "status.chat-422", description: "a mistake of a chat is a 422", intended: ["errors.status.chat"] },
    (reply, call) => {
      const { messages, stream } = parseSent(call);
      const isEmpty = Array.isArray(messages) && messages.length === 0;
      return reply.status === 400 && isChat(call) && isEmpty && stream !== true;
    },
    () => ({ status: 422 }),
  ),
  mutateRefusal(
    {
      id: "envelope.string-of-a-mistake",
      description: "the error of a mistake is a string",
      intended: ["errors.envelope.invalid-value"],
    },
    (refusal, call) => {
      const { stream, messages } = parseSent(call);
      return refusal.param === "messages" && isChat(call) && stream !== true && JSON.stringify(messages) === "[]";
    },
    ({ message }) => ({ error: message }),
  ),
  mutateRefusal(
    {
      id: "envelope.unknown-model-retrieve",
      description: "the refusal of an unknown model's retrieval is FastAPI's `detail`",
      intended: ["errors.envelope.unknown-model-retrieve"],
    },
    (refusal, call) => call.operation === "retrieveModel" && refusal.name === "model_not_found",
    ({ message }) => ({ detail: message }),
  ),
  unblame("embeddings.unblamed", "createEmbedding", "embeddings.refuses.param"),
  unblame("audio.speech-unblamed", "createSpeech", "audio.speech.refuses.param"),
  unblame("audio.transcriptions-unblamed", "createTranscription", "audio.transcriptions.refuses.param"),
  unblame("audio.translations-unblamed", "createTranslation", "audio.translations.refuses.param"),
  answerUnknown(
    {
      id: "refusal.unknown-model-answered",
      description: "an unknown model answers under its own name",
      intended: ["chat.refusal.unknown-model", "chat.refusal.unknown-model-404"],
    },
    "createChatCompletion",
    operations.createChatCompletion.examples.response,
  ),
  answerUnknown(
    {
      id: "completions.unknown-model-answered",
      description: "an unknown model answers under its own name",
      intended: ["completions.refusal.unknown-model", "completions.refusal.unknown-model-404"],
    },
    "createCompletion",
    operations.createCompletion.examples.response,
  ),
  answerUnknown(
    {
      id: "models.unknown-answered",
      description: "any model can be retrieved",
      intended: ["models.retrieve.unknown-refused"],
    },
    "retrieveModel",
    operations.retrieveModel.examples.response,
  ),
];
