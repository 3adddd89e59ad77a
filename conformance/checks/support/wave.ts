/** WAV files of 16-bit samples, written and read. Nothing here judges. */

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const PCM = 1;

export interface Wave {
  readonly samples: Int16Array;
  readonly sampleRate: number;
  /** Default 1; samples of several channels take turns. */
  readonly channels?: number;
}

export function composeWave({ samples, sampleRate, channels = 1 }: Wave): Buffer<ArrayBuffer> {
  const dataBytes = samples.length * BYTES_PER_SAMPLE;
  const bytes = Buffer.from(new ArrayBuffer(HEADER_BYTES + dataBytes));
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(PCM, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(sampleRate * channels * BYTES_PER_SAMPLE, 28);
  bytes.writeUInt16LE(channels * BYTES_PER_SAMPLE, 32);
  bytes.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(dataBytes, 40);
  for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, HEADER_BYTES + index * BYTES_PER_SAMPLE);
  return bytes;
}

export interface WaveHeader {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
  /** As the header says; 0 or 0xFFFFFFFF where it was written before the length was known. */
  readonly claimedBytes: number;
  /** What stands behind it. */
  readonly data: Buffer;
}

/** @returns null for what is no WAV file with samples */
export function readWave(file: Uint8Array): WaveHeader | null {
  const bytes = Buffer.from(file);
  if (bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WAVE") return null;
  const format = bytes.indexOf("fmt ", 12, "latin1");
  const data = bytes.indexOf("data", 12, "latin1");
  if (format === -1 || data === -1 || format + 24 > bytes.length || data + 8 > bytes.length) return null;
  return {
    encoding: bytes.readUInt16LE(format + 8),
    channels: bytes.readUInt16LE(format + 10),
    sampleRate: bytes.readUInt32LE(format + 12),
    bits: bytes.readUInt16LE(format + 22),
    claimedBytes: bytes.readUInt32LE(data + 4),
    data: bytes.subarray(data + 8),
  };
}

/** @returns the seconds of its samples; null for what is no WAV file or has a header without sense */
export function measureWave(file: Uint8Array): number | null {
  const wave = readWave(file);
  if (wave === null) return null;
  const bytesPerSecond = (wave.sampleRate * wave.channels * wave.bits) / 8;
  return bytesPerSecond === 0 ? null : wave.data.length / bytesPerSecond;
}
