/** What a Whisper checkpoint says of itself: sizes, the ids of its special tokens, and its tokens' bytes. */

import { z } from "zod";

const count = z.int().min(1).max(1_000_000);
const tokenId = z.int().min(0).max(1_000_000);

export const whisperConfigSchema = z.strictObject({
  width: count,
  heads: count.max(256),
  encoderLayers: count.max(256),
  decoderLayers: count.max(256),
  /** Bands of the spectrogram. */
  mels: count.max(1024),
  /** Tokens that the decoder gives a probability, text, special and timestamps together. */
  vocabularySize: count,
  /** Positions of the decoder: prompt and answer together. */
  textPositions: count,
  /** Positions of the encoder, each of 20 ms. */
  audioPositions: count,
  isMultilingual: z.boolean(),
  tokens: z.strictObject({
    endOfText: tokenId,
    startOfTranscript: tokenId,
    translate: tokenId,
    transcribe: tokenId,
    startOfPrevious: tokenId,
    noSpeech: tokenId,
    noTimestamps: tokenId,
    /** 0.00 s; the next ones are 20 ms apart. */
    firstTimestamp: tokenId,
  }),
  /** Token ids by the language's code; empty unless the checkpoint is multilingual. */
  languages: z.record(z.string(), tokenId),
  /** Never sampled: symbols and annotations that are no speech. */
  suppressed: z.array(tokenId),
  /** Text that is never sampled first: of no account, because a window begins with a timestamp. */
  suppressedFirst: z.array(tokenId),
  /** Layer and head of the decoder's cross attention that follow the audio, which word times are made of. */
  alignmentHeads: z
    .array(z.tuple([z.int().min(0), z.int().min(0)]))
    .min(1)
    .max(1024),
});

export type WhisperConfig = z.output<typeof whisperConfigSchema>;

/** So many weights in a row share a scale. Every Whisper's width is a multiple of it. */
export const QUANTISED_BLOCK_WEIGHTS = 64;

/** Keys of the artefact's metadata. */
export const WHISPER_METADATA = { config: "whisper", tokens: "tokens", format: "format" } as const;
/** Another number: another graph would be needed to run the file. */
export const WHISPER_FORMAT = "openai-compat-whisper-1";
