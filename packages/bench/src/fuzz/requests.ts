/** A request as it is sent: any bytes, under any headers. */

export interface FuzzRequest {
  /** Below the base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether its length is not announced. */
  readonly isChunked: boolean;
}

/** Models of the fuzzed server. */
export const MODELS = {
  chat: "scripted",
  embedding: "scripted-embedding",
  upstreamChat: "far",
  upstreamEmbedding: "far-embedding",
  transcription: "scribe",
  speech: "voice",
} as const;
