/** Which audio files can't be decoded on this machine, and what would decode them. It loads the decoders. */

import { spawn } from "node:child_process";
import { DECODER_PACKAGES, DecoderUnavailable, importDecoder } from "./decoder-packages.ts";
import type { DecoderPackages } from "./decoder-packages.ts";

const FORMATS = {
  "mpg123-decoder": "mp3",
  "opus-decoder": "ogg with Opus",
  "@wasm-audio-decoders/ogg-vorbis": "ogg with Vorbis",
  "@wasm-audio-decoders/flac": "flac",
  "audio-decode": "mp4, m4a and webm",
} as const satisfies Readonly<Record<keyof DecoderPackages, string>>;

/** Spelt out, because the declarations of these packages are not there where the packages aren't. */
type DecoderName = keyof typeof FORMATS;

export interface MissingDecoder {
  /** For people. */
  readonly formats: string;
  /** The npm package that decodes them. */
  readonly packageName: DecoderName;
}

export interface FindMissingDecodersOptions {
  /** How each is imported. Default: from npm's packages. */
  readonly packages?: Readonly<Record<DecoderName, () => Promise<unknown>>>;
  /** Default: `ffmpeg`, on the PATH. */
  readonly ffmpegCommand?: string;
}

/** @returns none where ffmpeg is there: it decodes all of them */
export async function findMissingDecoders(
  options: FindMissingDecodersOptions = {},
): Promise<readonly MissingDecoder[]> {
  const { packages = DECODER_PACKAGES, ffmpegCommand = "ffmpeg" } = options;
  if (await canRun(ffmpegCommand)) return [];
  const names = Object.keys(FORMATS).filter((name): name is DecoderName => name in FORMATS);
  const missing = await Promise.all(names.map(async (name) => ((await isMissing(name, packages[name])) ? [name] : [])));
  return missing.flat().map((packageName) => ({ formats: FORMATS[packageName], packageName }));
}

async function isMissing(name: string, load: () => Promise<unknown>): Promise<boolean> {
  try {
    await importDecoder(name, load);
    return false;
  } catch (thrown) {
    if (thrown instanceof DecoderUnavailable) return true;
    throw thrown;
  }
}

async function canRun(command: string): Promise<boolean> {
  const child = spawn(command, ["-version"], { stdio: "ignore", windowsHide: true });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
