/** Which audio files can't be decoded on this machine, and what would decode them. It loads the decoders. */

import { spawn } from "node:child_process";
import { DECODER_PACKAGES, DecoderUnavailable, importDecoder } from "./decoder-packages.ts";
import type { DecoderPackages } from "./decoder-packages.ts";

export interface MissingDecoder {
  /** For people. */
  readonly formats: string;
  /** The npm package that decodes them. */
  readonly packageName: keyof DecoderPackages;
}

export interface FindMissingDecodersOptions {
  /** Default: those of npm. */
  readonly packages?: DecoderPackages;
  /** Default: `ffmpeg`, on the PATH. */
  readonly ffmpegCommand?: string;
}

const FORMATS: Readonly<Record<keyof DecoderPackages, string>> = {
  "mpg123-decoder": "mp3",
  "opus-decoder": "ogg with Opus",
  "@wasm-audio-decoders/ogg-vorbis": "ogg with Vorbis",
  "@wasm-audio-decoders/flac": "flac",
  "audio-decode": "mp4, m4a and webm",
};

/** @returns none where ffmpeg is there: it decodes all of them */
export async function findMissingDecoders(
  options: FindMissingDecodersOptions = {},
): Promise<readonly MissingDecoder[]> {
  const { packages = DECODER_PACKAGES, ffmpegCommand = "ffmpeg" } = options;
  if (await canRun(ffmpegCommand)) return [];
  const names = Object.keys(FORMATS).filter((name): name is keyof DecoderPackages => name in FORMATS);
  const missing = await Promise.all(names.map(async (name) => ((await isMissing(name, packages)) ? [name] : [])));
  return missing.flat().map((packageName) => ({ formats: FORMATS[packageName], packageName }));
}

async function isMissing(name: keyof DecoderPackages, packages: DecoderPackages): Promise<boolean> {
  try {
    await importDecoder<unknown>(name, packages[name]);
    return false;
  } catch (thrown) {
    if (thrown instanceof DecoderUnavailable) return true;
    throw thrown;
  }
}

async function canRun(command: string): Promise<boolean> {
  const child = spawn(command, ["-version"], { stdio: "ignore" });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
