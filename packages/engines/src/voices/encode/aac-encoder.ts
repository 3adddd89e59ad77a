/**
 * AAC by the `ffmpeg` of the system, in ADTS frames, which players take as they come: a process of its own, without a
 * shell, that ends with the speech. No encoder for Node.js is free of patents' licences and well kept.
 */

import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { AiError, SPEECH_SAMPLE_RATE } from "@openai-compat/core";
import type { SpeechEncoder } from "./encoder.ts";

export const AAC_PROGRAM = "ffmpeg";

const BITS_PER_SECOND = 64_000;
const SAMPLES_PER_FRAME = 1024;
/** Frames that ffmpeg may keep back: what the encoder looks ahead, and what its pipes hold. */
const FRAMES_BEHIND_MAX = 8;
/** How long it may take for a piece. */
const STALL_MS_MAX = 30_000;
/** Of a frame, with its length. */
const HEADER_BYTES = 7;

export interface AacOptions {
  /** Its name, looked up on the PATH, or its path. Default: `ffmpeg`. */
  readonly command?: string;
  /** Milliseconds. Default 30,000. */
  readonly stallMsMax?: number;
}

/** @param directories Default: the PATH. @returns whether the program could be started */
export function hasAacProgram(directories = process.env["PATH"] ?? ""): boolean {
  const name = process.platform === "win32" ? `${AAC_PROGRAM}.exe` : AAC_PROGRAM;
  return directories
    .split(path.delimiter)
    .some((directory) => directory !== "" && isProgram(path.join(directory, name)));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Its functions throw AiError `engine_failed` where ffmpeg fails, ends early or hangs. */
export function createAacEncoder({ command = AAC_PROGRAM, stallMsMax = STALL_MS_MAX }: AacOptions = {}): SpeechEncoder {
  const child = spawn(command, listArguments(), { stdio: ["pipe", "pipe", "ignore"], windowsHide: true });
  const frames = new FrameCounter();
  let parts: Uint8Array[] = [];
  let end: { readonly failure: AiError | null } | null = null;
  let wake = (): void => {};
  let samples = 0;

  child.stdout.on("data", (bytes: Buffer) => {
    parts.push(bytes);
    frames.push(bytes);
    wake();
  });
  // What can't be written is said by its end.
  child.stdin.on("error", () => {});
  child.once("error", (error) => {
    end ??= { failure: failed("it can't be started", error) };
    wake();
  });
  child.once("close", (code) => {
    end ??= { failure: code === 0 ? null : failed(`it exited with code ${code ?? "unknown"}`) };
    wake();
  });

  const untilDone = async (isDone: () => boolean): Promise<void> => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      wake();
    }, stallMsMax);
    try {
      while (!isDone()) {
        if (end !== null) throw end.failure ?? failed("it ended before the speech");
        if (isLate) throw failed(`it gave nothing for ${stallMsMax} ms`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const take = (): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(Buffer.concat(parts));
    parts = [];
    return bytes;
  };

  return {
    async encode(piece) {
      child.stdin.write(toBytes(piece));
      samples += piece.length;
      const expected = Math.floor(samples / SAMPLES_PER_FRAME) - FRAMES_BEHIND_MAX;
      await untilDone(() => frames.count >= expected);
      return take();
    },
    async finish() {
      child.stdin.end();
      await untilDone(() => end !== null);
      if (end !== null && end.failure !== null) throw end.failure;
      return take();
    },
    dispose() {
      child.kill("SIGKILL");
    },
  };
}

function listArguments(): readonly string[] {
  const input = ["-f", "s16le", "-ar", String(SPEECH_SAMPLE_RATE), "-ac", "1", "-i", "pipe:0"];
  const output = ["-c:a", "aac", "-b:a", String(BITS_PER_SECOND), "-f", "adts", "-flush_packets", "1", "pipe:1"];
  return ["-nostdin", "-hide_banner", "-loglevel", "quiet", ...input, ...output];
}

function toBytes(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) {
    bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767))), index * 2);
  }
  return bytes;
}

/** Whole frames of a stream in any pieces, by the lengths in their headers (ISO 14496-3, 1.A.2.2). */
class FrameCounter {
  count = 0;
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEADER_BYTES) {
      const [high = 0, middle = 0, low = 0] = this.#rest.subarray(3, 6);
      const length = ((high & 3) << 11) | (middle << 3) | (low >> 5);
      // No frame: nothing more is counted, and whoever waits gives up.
      if (length < HEADER_BYTES) return;
      if (this.#rest.length < length) return;
      this.#rest = this.#rest.subarray(length);
      this.count += 1;
    }
  }
}

function failed(reason: string, cause?: unknown): AiError {
  const message = "The speech could not be encoded as AAC. Please try again, or ask for another response_format.";
  return new AiError("engine_failed", message, { cause: new Error(`ffmpeg: ${reason}`, { cause }) });
}
