/**
 * The list of native procedures. The server's router and its types, the client's types and the matrix of capabilities
 * are made from it; nothing else says which procedures exist, what they take and what a caller must be allowed to do.
 */
import { z } from "zod";
import { embedAnswerSchema, embedInputSchema } from "./embed.ts";
import { nativeModelSchema } from "./native-model.ts";
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
} as const satisfies Readonly<Record<string, NativeProcedure>>;

export type NativeProcedures = typeof nativeProcedures;

/** Of a procedure: its names from the root of the router, joined by dots. */
export type NativePath = keyof NativeProcedures;
