/**
 * Encoders of speech: samples of a mono voice at 24 kHz in, bytes of a file out, piece by piece. Each is made of an
 * optional package, which is imported when its format is first asked for, or of a program of the system.
 */

import { createRequire } from "node:module";
import { AiError, SPEECH_FORMATS, SPEECH_SAMPLE_RATE } from "@openai-compat/core";
import type { SpeechFormat } from "@openai-compat/core";
import { AAC_PROGRAM, createAacEncoder, hasAacProgram } from "./aac-encoder.ts";
import type { SpeechEncoder } from "./encoder.ts";
import { createOggStream } from "./ogg-stream.ts";

/** What encodes a format. */
export type EncoderNeed =
  | { readonly kind: "package"; readonly name: string }
  /** On the PATH. */
  | { readonly kind: "program"; readonly name: string };

/** Null: nothing is needed. */
const NEEDS: Readonly<Record<SpeechFormat, EncoderNeed | null>> = {
  mp3: { kind: "package", name: "wasm-media-encoders" },
  opus: { kind: "package", name: "libopus-wasm" },
  aac: { kind: "program", name: AAC_PROGRAM },
  flac: { kind: "package", name: "libflacjs" },
  wav: null,
  pcm: null,
};

const MP3_KBPS = 96;
const OPUS_BPS = 40_000;
const OPUS_FRAME = SPEECH_SAMPLE_RATE / 50;
const FLAC_BITS = 16;
const FLAC_COMPRESSION = 5;

export interface MissingEncoder {
  readonly format: SpeechFormat;
  readonly need: EncoderNeed;
}

/** The formats that can't be encoded here. */
export function listMissingEncoders(): readonly MissingEncoder[] {
  return SPEECH_FORMATS.flatMap((format) => {
    const need = NEEDS[format];
    return need === null || isThere(need) ? [] : [{ format, need }];
  });
}

/** @throws AiError `unsupported_value` for a format that can't be encoded here, with what is missing */
export function requireEncoder(format: SpeechFormat): void {
  const missing = new Map(listMissingEncoders().map(({ format: lacking, need }) => [lacking, need]));
  const need = missing.get(format);
  if (need === undefined) return;
  const possible = SPEECH_FORMATS.filter((candidate) => !missing.has(candidate));
  const what = need.kind === "package" ? `the package ${need.name}` : `the program ${need.name} on its PATH`;
  const message = `The response_format '${format}' is not available: the server lacks ${what}. Available are: ${possible.join(", ")}.`;
  throw new AiError("unsupported_value", message, { param: "response_format" });
}

/** @throws AiError `unsupported_value` as `requireEncoder` does */
export async function createSpeechEncoder(format: SpeechFormat): Promise<SpeechEncoder> {
  requireEncoder(format);
  switch (format) {
    case "pcm":
      return createSampleEncoder(new Uint8Array(0));
    case "wav":
      return createSampleEncoder(wavHeader());
    case "mp3":
      return createMp3Encoder();
    case "opus":
      return createOpusEncoder();
    case "flac":
      return createFlacEncoder();
    case "aac":
      return createAacEncoder();
  }
}

function isThere({ kind, name }: EncoderNeed): boolean {
  return kind === "package" ? isInstalled(name) : hasAacProgram();
}

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch (thrown) {
    // A package for `import` alone is found, and refuses `require`.
    return thrown instanceof Error && "code" in thrown && thrown.code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
  }
}

function createSampleEncoder(header: Uint8Array<ArrayBuffer>): SpeechEncoder {
  let head = header;
  return {
    encode(samples) {
      const bytes = new Uint8Array(head.length + samples.length * 2);
      bytes.set(head);
      const view = new DataView(bytes.buffer, head.length);
      for (const [index, sample] of samples.entries()) view.setInt16(index * 2, toInteger(sample), true);
      head = new Uint8Array(0);
      return bytes;
    },
    finish: () => head,
    dispose() {},
  };
}

/** The length is not known when it is sent: both sizes say the most, which players read as "until the end". */
function wavHeader(): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(44);
  header.write("RIFF\u00ff\u00ff\u00ff\u00ffWAVEfmt ", 0, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SPEECH_SAMPLE_RATE, 24);
  header.writeUInt32LE(SPEECH_SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data\u00ff\u00ff\u00ff\u00ff", 36, "latin1");
  return new Uint8Array(header);
}

async function createMp3Encoder(): Promise<SpeechEncoder> {
  const library = await import("wasm-media-encoders");
  const encoder = await library.createMp3Encoder();
  encoder.configure({ sampleRate: SPEECH_SAMPLE_RATE, channels: 1, bitrate: MP3_KBPS });
  return {
    // What it returns is overwritten by the next call.
    encode: (samples) => new Uint8Array(encoder.encode([samples])),
    finish: () => new Uint8Array(encoder.finalize()),
    dispose() {},
  };
}

async function createOpusEncoder(): Promise<SpeechEncoder> {
  const library = await import("libopus-wasm");
  const encoder = await library.createEncoder({
    sampleRate: SPEECH_SAMPLE_RATE,
    channels: 1,
    frameSize: OPUS_FRAME,
    application: library.Application.Audio,
    signal: library.Signal.Voice,
    bitrate: OPUS_BPS,
  });
  const ogg = createOggStream({ sampleRate: SPEECH_SAMPLE_RATE, lookahead: encoder.getLookahead() });
  let rest = new Float32Array(0);
  const encodeFrames = (samples: Float32Array<ArrayBuffer>): void => {
    rest = concatenate(rest, samples);
    let start = 0;
    for (; start + OPUS_FRAME <= rest.length; start += OPUS_FRAME) {
      ogg.add(encoder.encodeFloat(rest.slice(start, start + OPUS_FRAME)), OPUS_FRAME);
    }
    rest = rest.slice(start);
  };
  return {
    encode(samples) {
      encodeFrames(samples);
      return ogg.take();
    },
    finish() {
      // The encoder is as much behind as it looks ahead; what is padding is cut off by the player.
      const frames = Math.ceil((rest.length + encoder.getLookahead()) / OPUS_FRAME);
      const paddingSamples = frames * OPUS_FRAME - rest.length;
      encodeFrames(new Float32Array(paddingSamples));
      return ogg.finish(paddingSamples);
    },
    dispose: () => encoder.free(),
  };
}

async function createFlacEncoder(): Promise<SpeechEncoder> {
  const { default: library } = await import("libflacjs/dist/libflac.js");
  if (!library.isReady()) await new Promise<void>((resolve) => library.on("ready", () => resolve()));
  const encoder = library.create_libflac_encoder(SPEECH_SAMPLE_RATE, 1, FLAC_BITS, FLAC_COMPRESSION, 0, false, 0);
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let isOpen = library.init_encoder_stream(encoder, (bytes) => void parts.push(new Uint8Array(bytes))) === 0;
  if (encoder === 0 || !isOpen) throw new AiError("engine_failed", "The FLAC encoder could not be opened.");
  const take = (): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(Buffer.concat(parts));
    parts = [];
    return bytes;
  };
  return {
    encode(samples) {
      const integers = Int32Array.from(samples, toInteger);
      if (
        integers.length > 0 &&
        !library.FLAC__stream_encoder_process_interleaved(encoder, integers, integers.length)
      ) {
        throw new AiError("engine_failed", "The FLAC encoder failed.");
      }
      return take();
    },
    finish() {
      library.FLAC__stream_encoder_finish(encoder);
      return take();
    },
    dispose() {
      if (isOpen) library.FLAC__stream_encoder_delete(encoder);
      isOpen = false;
    },
  };
}

function toInteger(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)));
}

function concatenate(first: Float32Array<ArrayBuffer>, second: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const joined = new Float32Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
