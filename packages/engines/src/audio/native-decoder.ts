/**
 * The decoder of audio files as it runs in a process of its own: hostile files are decoded by code that may hang, and
 * by native code. Its settings, arguments and events are plain data.
 */

import { decodeBytes } from "./decode-bytes.ts";
import { DECODER_PACKAGES } from "./decoder-packages.ts";
import type { AudioEvent } from "./audio-events.ts";
import type { DecodeLimits } from "./decode-limits.ts";

export interface NativeDecoderSettings {
  readonly limits: DecodeLimits;
  /** The name or path of ffmpeg, which decodes what no package here can. */
  readonly ffmpegCommand: string;
}

export interface NativeDecoder {
  readonly answers: Readonly<Record<string, never>>;
  readonly streams: {
    /** @throws AiError `invalid_value`, `unsupported_value`; the signal's reason */
    readonly decode: (bytes: Uint8Array, signal: AbortSignal) => AsyncIterable<AudioEvent>;
  };
  dispose(): Promise<void>;
}

export async function openNativeDecoder(settings: NativeDecoderSettings): Promise<NativeDecoder> {
  return {
    answers: {},
    streams: { decode: (bytes, signal) => decodeBytes(bytes, { ...settings, packages: DECODER_PACKAGES, signal }) },
    async dispose() {},
  };
}
