/** What the reference server knows of a recording: how long it is, and whether anything sounds in it. */

export interface Recording {
  readonly seconds: number;
  readonly isSilent: boolean;
  /** Whether the reference server spoke it. */
  readonly isOwn: boolean;
}

/** Of the reference server's own speech. */
export const SPEECH_RATE = 24_000;

/** Begins a file of the reference server's own speech: the format by its first bytes, then the milliseconds. */
const MAGIC: Readonly<Record<string, string>> = { mp3: "ID3\u0004", opus: "OggS", flac: "fLaC", aac: "\u00FF\u00F1" };
const HEAD_BYTES = 12;

/** A file that says itself how long it is, and sounds like nothing. */
export function encodeFile(format: string, milliseconds: number): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC[format] ?? "", 0, "latin1");
  head.writeUInt32LE(milliseconds, HEAD_BYTES - 4);
  return Buffer.concat([head, Buffer.alloc(64, 1)]);
}

/** @returns null for what is no recording */
export function readRecording(bytes: Uint8Array): Recording | null {
  const file = Buffer.from(bytes);
  const start = file.toString("latin1", 0, 4);
  if (Object.values(MAGIC).some((magic) => start.startsWith(magic)) && file.length > HEAD_BYTES) {
    return { seconds: file.readUInt32LE(HEAD_BYTES - 4) / 1000, isSilent: false, isOwn: true };
  }
  const data = file.indexOf("data", 12, "latin1");
  if (start !== "RIFF" || data === -1 || data + 8 > file.length) return null;
  const bytesPerSecond = file.readUInt32LE(28);
  const samples = file.subarray(data + 8);
  return {
    seconds: samples.length / bytesPerSecond,
    isSilent: samples.every((byte) => byte === 0),
    isOwn: file.readUInt32LE(24) === SPEECH_RATE,
  };
}
