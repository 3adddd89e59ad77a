/** The folder of one run: recordings as whisper.cpp reads them, and what it writes of them. Only this user can read it. */

import { mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUTPUT_BYTES_MAX } from "./parse-output.ts";

export interface RunFolder extends AsyncDisposable {
  readonly path: string;
}

const PREFIX = "openai-compat-whisper-";
const SAMPLE_RATE = 16_000;
const SAMPLE_BYTES = 2;
const HEAD_BYTES = 44;
const SAMPLE_SCALE = 32_768;
/** Silence after the last word: whisper.cpp hears nothing in less than a second. */
const TAIL_SAMPLES = 16_000;

export async function makeRunFolder(): Promise<RunFolder> {
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Of servers that were killed before they could remove theirs.
 *
 * @param ageMs a folder that was not changed for so long is in no use
 */
export async function removeOldFolders(ageMs: number, directory = tmpdir()): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(PREFIX));
  for (const path of names.map((name) => join(directory, name))) {
    // Another server may remove it at the same time.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs <= ageMs) continue;
    // That of another user stays.
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** A WAV file of 16-bit samples at 16 kHz, with silence after them. */
export async function writePart(path: string, samples: Float32Array): Promise<void> {
  const dataBytes = (samples.length + TAIL_SAMPLES) * SAMPLE_BYTES;
  const bytes = Buffer.alloc(HEAD_BYTES + dataBytes);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(HEAD_BYTES - 8 + dataBytes, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(SAMPLE_RATE * SAMPLE_BYTES, 28);
  bytes.writeUInt16LE(SAMPLE_BYTES, 32);
  bytes.writeUInt16LE(8 * SAMPLE_BYTES, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(dataBytes, 40);
  for (const [index, sample] of samples.entries()) {
    const value = Math.max(-SAMPLE_SCALE, Math.min(SAMPLE_SCALE - 1, Math.round(sample * SAMPLE_SCALE)));
    bytes.writeInt16LE(value, HEAD_BYTES + index * SAMPLE_BYTES);
  }
  await writeFile(path, bytes, { mode: 0o600, flag: "wx" });
}

/** @throws Error where whisper.cpp wrote none, or far too much */
export async function readOutput(path: string): Promise<Buffer> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) throw new Error("whisper.cpp has ended without writing what it heard.");
  try {
    const { size } = await file.stat();
    if (size > OUTPUT_BYTES_MAX) throw new Error(`whisper.cpp wrote more than ${OUTPUT_BYTES_MAX} bytes.`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
