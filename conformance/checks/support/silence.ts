/** The smallest recording that is one: a tenth of a second of silence, as a WAV file. */

const SAMPLE_RATE = 16_000;
const SAMPLES = 1600;
const BYTES_PER_SAMPLE = 2;
const HEADER_BYTES = 44;

/** Mono, 16 bits. */
export function silentRecording(): File {
  const dataBytes = SAMPLES * BYTES_PER_SAMPLE;
  const bytes = Buffer.alloc(HEADER_BYTES + dataBytes);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(SAMPLE_RATE * BYTES_PER_SAMPLE, 28);
  bytes.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  bytes.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(dataBytes, 40);
  return new File([bytes], "silence.wav", { type: "audio/wav" });
}
