/**
 * The decoder of audio files as it runs in a process of its own: hostile files are decoded by code that may hang, and
 * by native code. Its settings, arguments and events are plain data.
 */

import { decodeBytes } from "./decode-bytes.ts";
import { DECODER_PACKAGES } from "./decoder-packages.ts";
import type { AudioEvent } from "./audio-events.ts";
import type { DecodeLimits } from "./decode-limits.ts";
import { createFileReceiver } from "./file-parts.ts";
import type { FilePart } from "./file-parts.ts";

export interface NativeDecoderSettings {
  readonly limits: DecodeLimits;
  /** The name or path of ffmpeg, which decodes what no package here can. */
  readonly ffmpegCommand: string;
}

export interface NativeDecoder {
  readonly answers: {
    /** Takes the parts of a file, one file at a time. */
    readonly receive: (part: FilePart, signal: AbortSignal) => Promise<void>;
  };
  readonly streams: {
    /** Decodes the file that was received. @throws AiError `invalid_value`, `unsupported_value`; the signal's reason */
    readonly decode: (argument: null, signal: AbortSignal) => AsyncIterable<AudioEvent>;
  };
  dispose(): Promise<void>;
}

export async function openNativeDecoder(settings: NativeDecoderSettings): Promise<NativeDecoder> {
  const receiver = createFileReceiver();
  return {
    answers: { receive: async (part) => receiver.receive(part) },
    streams: {
      decode: (_argument, signal) => decodeBytes(receiver.take(), { ...settings, packages: DECODER_PACKAGES, signal }),
    },
    async dispose() {},
  };
}
