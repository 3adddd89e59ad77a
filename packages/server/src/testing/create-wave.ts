/** A WAV file of silence: mono, 16 bits. */

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;

export interface WaveOptions {
  /** Of the samples that the file has, at 16 kHz. */
  readonly seconds: number;
  /** What the header says of the length of the samples. Default: the truth. */
  readonly claimedBytes?: number;
  /** What the header says of the rate. Default: 16,000. */
  readonly sampleRate?: number;
}

export function createWave({ seconds, claimedBytes, sampleRate = 16_000 }: WaveOptions): Uint8Array<ArrayBuffer> {
  const length = Math.round(seconds * 16_000) * BYTES_PER_SAMPLE;
  const bytes = Buffer.alloc(HEADER_BYTES + length);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(HEADER_BYTES - 8 + length, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRate, 24);
  bytes.writeUInt32LE(sampleRate * BYTES_PER_SAMPLE, 28);
  bytes.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  bytes.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(claimedBytes ?? length, 40);
  return new Uint8Array(bytes);
}
