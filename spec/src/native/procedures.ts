/**
 * The list of native procedures. The server's router and its types, the client's types and the matrix of capabilities
 * are made from it; nothing else says which procedures exist, what they take and what a caller must be allowed to do.
 */
import { z } from "zod";
import { embedAnswerSchema, embedInputSchema } from "./embed.ts";
import {
  defaultModelInputSchema,
  modelChangeSchema,
  modelStatusSchema,
  nativeModelSchema,
  newModelSchema,
  removeModelInputSchema,
  setDefaultModelInputSchema,
  watchModelsInputSchema,
  watchedModelSchema,
} from "./native-model.ts";
import {
  accountSchema,
  balanceInputSchema,
  balanceSchema,
  createKeyInputSchema,
  createdKeySchema,
  creditEntrySchema,
  getAccountInputSchema,
  grantCreditsInputSchema,
  listAccountsInputSchema,
  listCreditEntriesInputSchema,
  listKeysInputSchema,
  nativeKeySchema,
} from "./operator.ts";
import { nativeReferenceSchema, newTaskSchema, taskChangeSchema, taskSchema } from "./task.ts";
import type { NativeProcedure } from "./procedure.ts";
import {
  promptAnswerSchema,
  promptCancelInputSchema,
  promptCancelledSchema,
  promptEventSchema,
  promptInputSchema,
} from "./prompt.ts";
import { noInputSchema } from "./shared.ts";
import { speakAnswerSchema, speakEventSchema, speakInputSchema } from "./speak.ts";
import {
  transcriptionEventSchema,
  transcriptionFedSchema,
  transcriptionFeedInputSchema,
  transcriptionIdSchema,
  transcriptionOpenInputSchema,
} from "./transcription.ts";

export const nativeProcedures = {
  "models.list": {
    type: "query",
    summary: "Lists the models that the server offers.",
    capability: { domain: "ai", can: "READ" },
    input: noInputSchema,
    output: z.array(nativeModelSchema),
  },
  "models.status": {
    type: "query",
    summary: "Says what state a model is in.",
    capability: { domain: "ai", can: "READ" },
    input: nativeReferenceSchema,
    output: modelStatusSchema,
  },
  "models.watch": {
    type: "subscription",
    summary: "The states of one model or of all: first as they are, then what has changed.",
    capability: { domain: "ai", can: "READ" },
    input: watchModelsInputSchema,
    output: watchedModelSchema,
  },
  "models.add": {
    type: "mutation",
    summary: "Adds a model, once it has turned out that it can be served.",
    capability: { domain: "ai", can: "CREATE" },
    input: newModelSchema,
    output: nativeModelSchema,
  },
  "models.update": {
    type: "mutation",
    summary: "Changes a model that was added. Calls that run end on the engine that they began on.",
    capability: { domain: "ai", can: "UPDATE" },
    input: modelChangeSchema,
    output: nativeModelSchema,
  },
  "models.remove": {
    type: "mutation",
    summary: "Removes a model that was added.",
    capability: { domain: "ai", can: "DELETE" },
    input: removeModelInputSchema,
    output: nativeReferenceSchema,
  },
  "models.getDefault": {
    type: "query",
    summary: "Gives the model that `default` means for a type; null for none.",
    capability: { domain: "ai", can: "READ" },
    input: defaultModelInputSchema,
    output: nativeModelSchema.nullable(),
  },
  "models.setDefault": {
    type: "mutation",
    summary: "Makes a model the default of its type.",
    capability: { domain: "ai", can: "UPDATE" },
    input: setDefaultModelInputSchema,
    output: nativeModelSchema,
  },
  prompt: {
    type: "mutation",
    summary: "Answers a conversation, in one piece.",
    capability: { domain: "ai", can: "PROMPT" },
    input: promptInputSchema,
    output: promptAnswerSchema,
  },
  promptStream: {
    type: "subscription",
    summary: "Answers a conversation, event by event.",
    capability: { domain: "ai", can: "PROMPT" },
    input: promptInputSchema,
    output: promptEventSchema,
    resumable: true,
  },
  promptCancel: {
    type: "mutation",
    summary: "Ends a streamed prompt or speech at once, also one whose connection is lost.",
    capability: { domain: "ai", can: "PROMPT" },
    input: promptCancelInputSchema,
    output: promptCancelledSchema,
  },
  embed: {
    type: "mutation",
    summary: "Turns texts into vectors.",
    capability: { domain: "ai", can: "PROMPT" },
    input: embedInputSchema,
    output: embedAnswerSchema,
  },
  speak: {
    type: "mutation",
    summary: "Speaks a text, in one piece.",
    capability: { domain: "ai", can: "PROMPT" },
    input: speakInputSchema,
    output: speakAnswerSchema,
  },
  speakStream: {
    type: "subscription",
    summary: "Speaks a text, piece by piece.",
    capability: { domain: "ai", can: "PROMPT" },
    input: speakInputSchema,
    output: speakEventSchema,
    resumable: true,
  },
  "transcription.open": {
    type: "mutation",
    summary: "Opens a live transcription: audio goes in while somebody speaks, and text comes out.",
    capability: { domain: "ai", can: "TRANSCRIBE" },
    input: transcriptionOpenInputSchema,
    output: transcriptionIdSchema,
  },
  "transcription.feed": {
    type: "mutation",
    summary: "Adds audio to a transcription; it is answered when there is room for more.",
    capability: { domain: "ai", can: "TRANSCRIBE" },
    input: transcriptionFeedInputSchema,
    output: transcriptionFedSchema,
  },
  "transcription.commit": {
    type: "mutation",
    summary: "Ends the turn that is spoken.",
    capability: { domain: "ai", can: "TRANSCRIBE" },
    input: transcriptionIdSchema,
    output: transcriptionIdSchema,
  },
  "transcription.close": {
    type: "mutation",
    summary: "Ends a transcription; the text of turns that have ended still comes.",
    capability: { domain: "ai", can: "TRANSCRIBE" },
    input: transcriptionIdSchema,
    output: transcriptionIdSchema,
  },
  "transcription.text": {
    type: "subscription",
    summary: "The text of a transcription. Who leaves it ends the transcription.",
    capability: { domain: "ai", can: "TRANSCRIBE" },
    input: transcriptionIdSchema,
    output: transcriptionEventSchema,
    resumable: true,
  },
  "tasks.list": {
    type: "query",
    summary: "Lists the tasks of the account, the oldest first.",
    capability: { domain: "ai", can: "READ" },
    input: noInputSchema,
    output: z.array(taskSchema),
  },
  "tasks.add": {
    type: "mutation",
    summary: "Stores a task.",
    capability: { domain: "ai", can: "CREATE" },
    input: newTaskSchema,
    output: taskSchema,
  },
  "tasks.update": {
    type: "mutation",
    summary: "Changes a task.",
    capability: { domain: "ai", can: "UPDATE" },
    input: taskChangeSchema,
    output: taskSchema,
  },
  "tasks.remove": {
    type: "mutation",
    summary: "Removes a task.",
    capability: { domain: "ai", can: "DELETE" },
    input: nativeReferenceSchema,
    output: nativeReferenceSchema,
  },
  "accounts.list": {
    type: "query",
    summary: "Lists the accounts that have keys or credits, by id.",
    capability: { domain: "operator", can: "READ" },
    input: listAccountsInputSchema,
    output: z.array(accountSchema),
  },
  "accounts.get": {
    type: "query",
    summary: "Says what is known of an account.",
    capability: { domain: "operator", can: "READ" },
    input: getAccountInputSchema,
    output: accountSchema,
  },
  "credits.balance": {
    type: "query",
    summary: "Gives the balance of an account.",
    capability: { domain: "operator", can: "READ" },
    input: balanceInputSchema,
    output: balanceSchema,
  },
  "credits.entries": {
    type: "query",
    summary: "Lists what was granted and charged, newest first.",
    capability: { domain: "operator", can: "READ" },
    input: listCreditEntriesInputSchema,
    output: z.array(creditEntrySchema),
  },
  "credits.grant": {
    type: "mutation",
    summary: "Adds to the balance of an account.",
    capability: { domain: "operator", can: "UPDATE" },
    input: grantCreditsInputSchema,
    output: balanceSchema,
  },
  "keys.list": {
    type: "query",
    summary: "Lists API keys, newest first.",
    capability: { domain: "operator", can: "READ" },
    input: listKeysInputSchema,
    output: z.array(nativeKeySchema),
  },
  "keys.create": {
    type: "mutation",
    summary: "Makes an API key and shows its secret once.",
    capability: { domain: "operator", can: "CREATE" },
    input: createKeyInputSchema,
    output: createdKeySchema,
  },
  "keys.revoke": {
    type: "mutation",
    summary: "Refuses an API key from now on.",
    capability: { domain: "operator", can: "DELETE" },
    input: nativeReferenceSchema,
    output: nativeReferenceSchema,
  },
} as const satisfies Readonly<Record<string, NativeProcedure>>;

export type NativeProcedures = typeof nativeProcedures;

/** Of a procedure: its names from the root of the router, joined by dots. */
export type NativePath = keyof NativeProcedures;
