/** A live transcription: how it is opened and fed, and what its text comes as. */
import { z } from "zod";
import { nativeIdSchema } from "./shared.ts";

/** Characters of base64 in one piece of audio: 3 MiB, a minute of `pcm`. */
export const FED_CHARACTERS_MAX = 4 * 1024 * 1024;

const PREFIX_PADDING_MS_MAX = 5000;
const SILENCE_MS_MAX = 60_000;

export const turnDetectionSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("server-vad").describe("A pause ends a turn."),
    threshold: z.number().min(0).max(1).optional().describe("How likely speech has to be. Default 0.5."),
    prefixPaddingMs: z.int().min(0).max(PREFIX_PADDING_MS_MAX).optional(),
    silenceMs: z.int().min(0).max(SILENCE_MS_MAX).optional().describe("How long a pause ends a turn. Default 500."),
  }),
  z.strictObject({
    type: z.literal("semantic-vad").describe("The same, with pauses that are longer."),
    eagerness: z.enum(["low", "medium", "high", "auto"]).optional(),
  }),
]);

export const transcriptionOpenInputSchema = z.strictObject({
  model: nativeIdSchema.optional().describe("Id or name of a model. Default: `default`."),
  language: z.string().min(1).optional().describe("An ISO 639-1 code, such as `en`. Default: it is detected."),
  prompt: z.string().optional().describe("Words and names that are likely to come."),
  format: z
    .enum(["pcm", "pcmu", "pcma"])
    .describe("Mono samples of 16 bits, little-endian, 24 kHz; or G.711 of 8 kHz, mu-law or A-law."),
  turnDetection: turnDetectionSchema
    .nullable()
    .optional()
    .describe("Null: `commit` alone ends a turn. Default: `server-vad`."),
});

/** A transcription that was opened. */
export const transcriptionIdSchema = z.strictObject({ id: nativeIdSchema });

export const transcriptionFeedInputSchema = z.strictObject({
  id: nativeIdSchema,
  audio: z
    .string()
    .max(FED_CHARACTERS_MAX)
    .regex(/^(?:[\d+/A-Za-z]{4})*(?:[\d+/A-Za-z]{2}(?:==)?|[\d+/A-Za-z]{3}=?)?$/, "expected base64")
    .describe("Base64."),
  sequence: z
    .int()
    .min(0)
    .describe(
      "Counts the pieces from 0. One that has come already is acknowledged and not heard twice; a gap is an error.",
    ),
});

export const transcriptionFedSchema = z.object({
  receivedMs: z.number().min(0).describe("The audio that has come so far."),
});

const turnIdSchema = nativeIdSchema.describe("Of the turn that it belongs to.");
const problem = { code: z.string(), message: z.string(), param: z.string().nullable() };

/** `start` comes first and `end` last. The texts of a turn's deltas, joined, are its text. */
export const transcriptionEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), id: nativeIdSchema }),
  z.object({
    type: z.literal("speech-started"),
    turnId: turnIdSchema,
    audioStartMs: z.number().min(0).describe("From the first sample of the transcription on."),
  }),
  z.object({ type: z.literal("speech-stopped"), turnId: turnIdSchema, audioEndMs: z.number().min(0) }),
  z.object({ type: z.literal("text-delta"), turnId: turnIdSchema, text: z.string() }),
  z.object({
    type: z.literal("turn-completed"),
    turnId: turnIdSchema,
    text: z.string(),
    heardMs: z.number().min(0).describe("What was charged for."),
    language: z.string().nullable(),
  }),
  z.object({ type: z.literal("turn-failed"), turnId: turnIdSchema, error: z.object(problem) }),
  z.object({
    type: z.literal("error"),
    error: z.object(problem).describe("The transcription goes on, unless `end` follows."),
  }),
  z.object({
    type: z.literal("end"),
    reason: z.enum(["closed", "expired", "idle", "credential", "quota", "shutting-down", "failed", "slow-reader"]),
  }),
]);
export type TranscriptionEvent = z.infer<typeof transcriptionEventSchema>;
