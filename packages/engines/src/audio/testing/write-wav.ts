/** Writes WAV files, right ones and wrong ones. */

export interface WavOptions {
  readonly tag?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  readonly bits?: number;
  /** Bytes of one sample in all channels. */
  readonly frameBytes?: number;
  /** What the file claims as the length of its samples; its real one by default. */
  readonly claimedBytes?: number;
  /** What the `RIFF` chunk is called. */
  readonly id?: string;
  /** Whole chunks before and after the samples. */
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  /** The rest of the "fmt " chunk after its first 16 bytes. */
  readonly extension?: Uint8Array;
}

export function writeWav(samples: Uint8Array, options: WavOptions = {}): Uint8Array {
  const { tag = 1, channels = 1, rateHz = 16_000, bits = 16, extension = new Uint8Array(0) } = options;
  const frameBytes = options.frameBytes ?? (bits / 8) * channels;
  const format = Buffer.alloc(16);
  format.writeUInt16LE(tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt32LE((rateHz * frameBytes) >>> 0, 8);
  format.writeUInt16LE(frameBytes, 12);
  format.writeUInt16LE(bits, 14);
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    options.before ?? Buffer.alloc(0),
    wavChunk("fmt ", Buffer.concat([format, extension])),
    wavChunk("data", samples, options.claimedBytes),
    options.after ?? Buffer.alloc(0),
  ]);
  return new Uint8Array(wavChunk(options.id ?? "RIFF", body));
}

export function wavChunk(id: string, content: Uint8Array, claimedBytes = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, "latin1");
  head.writeUInt32LE(claimedBytes, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

/** Little endian. */
export function toInt16(samples: Iterable<number>): Uint8Array {
  const values = [...samples];
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeInt16LE(Math.round(value * 0x7fff), index * 2);
  return new Uint8Array(bytes);
}

export function sine(options: {
  readonly hz: number;
  readonly rateHz: number;
  readonly seconds: number;
}): Float32Array {
  const { hz, rateHz, seconds } = options;
  return Float32Array.from(
    { length: Math.round(rateHz * seconds) },
    (_, n) => 0.5 * Math.sin((2 * Math.PI * hz * n) / rateHz),
  );
}
