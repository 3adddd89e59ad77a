/** Recordings of a given size: WAV of noise, and the files of the decoders' tests with their frames repeated. */

import { readFileSync } from "node:fs";

export type RecordingFormat = "wav" | "mp3" | "flac";

const FIXTURES = new URL("../../../engines/src/audio/testing/fixtures/", import.meta.url);
const WAVE_HEAD_BYTES = 44;

export function createRecording(format: RecordingFormat, bytes: number): Buffer {
  switch (format) {
    case "wav":
      return createWave(bytes);
    case "mp3":
      return repeat(readFileSync(new URL("tone.mp3", FIXTURES)), { head: 0, bytes });
    case "flac": {
      const file = readFileSync(new URL("tone.flac", FIXTURES));
      return repeat(file, { head: findFlacFrames(file), bytes });
    }
  }
}

function repeat(file: Buffer, { head, bytes }: { readonly head: number; readonly bytes: number }): Buffer {
  const frames = file.subarray(head);
  return Buffer.concat([file.subarray(0, head), Buffer.alloc(bytes - head, frames)]);
}

/** Behind the blocks of metadata. */
function findFlacFrames(file: Buffer): number {
  let at = 4;
  for (let isLast = false; !isLast;) {
    isLast = (file.readUInt8(at) & 0x80) !== 0;
    at += 4 + file.readUIntBE(at + 1, 3);
  }
  return at;
}

/** Of stereo in 16 bits at 44.1 kHz, as recorders make it. */
function createWave(bytes: number): Buffer {
  const file = Buffer.alloc(bytes);
  file.write("RIFF");
  file.writeUInt32LE(bytes - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(2, 22);
  file.writeUInt32LE(44_100, 24);
  file.writeUInt32LE(176_400, 28);
  file.writeUInt16LE(4, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(bytes - WAVE_HEAD_BYTES, 40);
  for (let index = WAVE_HEAD_BYTES; index < bytes; index += 1) file[index] = (index * 2_654_435_761) >>> 13;
  return file;
}
