/** Recordings for the tiny Whisper: a sound is speech, and nothing is silence. */

const SAMPLE_RATE = 16_000;

/** Samples of 16 kHz: sounds and pauses in turn, beginning with a sound. */
export function createSounds(seconds: readonly number[]): Int16Array {
  const parts = seconds.map((length, index) =>
    Int16Array.from({ length: Math.round(length * SAMPLE_RATE) }, (_, sample) =>
      index % 2 === 0 ? Math.round(8000 * Math.sin(sample / 9)) : 0,
    ),
  );
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** A WAV file of them. */
export function encodeSounds(seconds: readonly number[]): Uint8Array<ArrayBuffer> {
  const samples = createSounds(seconds);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(2 * SAMPLE_RATE, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.byteLength, 40);
  return Uint8Array.from([...head, ...new Uint8Array(samples.buffer)]);
}
