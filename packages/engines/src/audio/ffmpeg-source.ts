/**
 * Decodes a file with the `ffmpeg` of the system: as a process of its own, without a shell, told the container, and
 * allowed to open nothing but this file. It gives a WAV stream of floats.
 */

import { spawn } from "node:child_process";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DecoderUnavailable } from "./decoder-packages.ts";
import { readAscii } from "./recognise-format.ts";
import { type WavHeader, readWavHeader } from "./wav-header.ts";
import { readWavSamples } from "./wav-samples.ts";
import type { AudioFormat } from "./recognise-format.ts";
import type { PcmBlock, PcmSource } from "./pcm-source.ts";

/** How ffmpeg calls the containers that it is given. */
const DEMUXERS: Record<AudioFormat, string> = {
  wav: "wav",
  mp3: "mp3",
  flac: "flac",
  "ogg vorbis": "ogg",
  "ogg opus": "ogg",
  "ogg flac": "ogg",
  ogg: "ogg",
  mp4: "mov",
  webm: "matroska",
  aac: "aac",
  mpeg: "mpeg",
  aiff: "aiff",
};

export interface FfmpegOptions {
  readonly format: AudioFormat;
  /** Its name, looked up on the PATH, or its path. */
  readonly command: string;
  /** Of processor time, after which ffmpeg ends itself: whoever waits for it may have been killed. */
  readonly cpuSecondsMax: number;
}

export function createFfmpegSource(options: FfmpegOptions): PcmSource {
  return async function* decodeWithFfmpeg(bytes, { slices, signal }) {
    const file = await openTemporaryFile(bytes);
    try {
      const child = spawn(options.command, argumentsFor(options, file.name), {
        stdio: [file.descriptor, "pipe", "ignore"],
        signal,
        killSignal: "SIGKILL",
        windowsHide: true,
      });
      const ended = new Promise<void>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", () => resolve());
      });
      ended.catch(() => {});
      try {
        for await (const block of readWavStream(child.stdout ?? [])) {
          yield block;
          if (slices.isOver) await slices.next();
        }
        await ended;
      } catch (thrown) {
        signal.throwIfAborted();
        throw isNotFound(thrown) ? new DecoderUnavailable("ffmpeg", thrown) : thrown;
      } finally {
        child.kill("SIGKILL");
      }
    } finally {
      await file.close();
    }
  };
}

function argumentsFor({ format, cpuSecondsMax }: FfmpegOptions, file: string): readonly string[] {
  const quiet = ["-nostdin", "-hide_banner", "-loglevel", "quiet"];
  const input = [
    "-timelimit",
    String(cpuSecondsMax),
    "-protocol_whitelist",
    "file,pipe",
    "-f",
    DEMUXERS[format],
    "-i",
    file,
  ];
  const output = ["-map", "0:a:0", "-map_metadata", "-1", "-bitexact", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"];
  return [...quiet, ...input, ...output];
}

interface TemporaryFile {
  /** What ffmpeg opens: an mp4 file has its index at the end as often as not, so a pipe won't do. */
  readonly name: string;
  /** Its standard input. */
  readonly descriptor: number | "ignore";
  close(): Promise<void>;
}

/** Where a file in use can be unlinked, it has no name from the start: nothing is left when this process is killed. */
async function openTemporaryFile(bytes: Uint8Array): Promise<TemporaryFile> {
  const folder = await mkdtemp(path.join(tmpdir(), "openai-compat-audio-"));
  const name = path.join(folder, "upload");
  const remove = async () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(name, bytes, { mode: 0o600 });
    if (process.platform === "win32") return { name, descriptor: "ignore", close: remove };
    const handle = await open(name, "r");
    await remove();
    return { name: "/dev/stdin", descriptor: handle.fd, close: async () => handle.close() };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}

/** Of ffmpeg's header, which takes 100 bytes. */
const HEADER_BYTES_MAX = 64 * 1024;

/** A WAV stream of which the head comes first, in whatever pieces. */
async function* readWavStream(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<PcmBlock> {
  let header: WavHeader | undefined;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = Buffer.concat([rest, piece]);
    if (header === undefined) {
      header = findHeader(rest);
      if (header === undefined) continue;
      rest = rest.subarray(header.start);
    }
    const frameBytes = header.channels * header.sampleBytes;
    const whole = rest.length - (rest.length % frameBytes);
    if (whole > 0) yield readWavSamples(rest.subarray(0, whole), header);
    rest = rest.subarray(whole);
  }
}

function findHeader(bytes: Buffer): WavHeader | undefined {
  if (readAscii(bytes, 0, 4) !== "RIFF".slice(0, bytes.length)) throw new Error("ffmpeg gave no WAV stream");
  // Without tags, nothing else in the header reads so.
  if (bytes.includes("data")) return readWavHeader(bytes);
  if (bytes.length > HEADER_BYTES_MAX) throw new Error("ffmpeg gave no WAV stream");
  return undefined;
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "EACCES");
}
