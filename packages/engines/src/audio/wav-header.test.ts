import { expect, test } from "vitest";
import { collectAudio, levelOf } from "./testing/collect-audio.ts";
import { sine, toInt16, wavChunk, writeWav, type WavOptions } from "./testing/write-wav.ts";

const TONE = sine({ hz: 440, rateHz: 16_000, seconds: 0.5 });
const PCM = 1;
const FLOAT = 3;

/** Samples as a WAV file has them, each written by `write` into `bytes` bytes. */
function encode(samples: Float32Array, bytes: number, write: (buffer: Buffer, sample: number, at: number) => void) {
  const buffer = Buffer.alloc(samples.length * bytes);
  for (const [index, sample] of samples.entries()) write(buffer, sample, index * bytes);
  return new Uint8Array(buffer);
}

const signed = (bits: number, bytes = bits / 8) =>
  encode(TONE, bytes, (buffer, sample, at) => {
    const value = Math.round(sample * (2 ** (bits - 1) - 1));
    // The bits that are used are the high ones of their bytes.
    buffer.writeIntLE(value * 2 ** (bytes * 8 - bits), at, bytes);
  });

const extensible = (tag: number, bits: number) => {
  const extension = Buffer.alloc(24);
  extension.writeUInt16LE(22, 0);
  extension.writeUInt16LE(bits, 2);
  extension.writeUInt16LE(tag, 8);
  Buffer.from("000000001000800000aa00389b71", "hex").copy(extension, 10);
  return { tag: 0xfffe, extension };
};

/** The inverse of the tables, by search. */
const companded = (decode: (code: Uint8Array) => Float32Array) => {
  const values = decode(Uint8Array.from({ length: 256 }, (_, code) => code));
  return Uint8Array.from(TONE, (sample) =>
    values.reduce(
      (best, value, code) => (Math.abs(value - sample) < Math.abs((values[best] ?? 0) - sample) ? code : best),
      0,
    ),
  );
};

const { decodeALaw, decodeMuLaw } = await import("./g711.ts");

const ENCODINGS: readonly (readonly [string, Uint8Array, WavOptions])[] = [
  [
    "8 bits",
    encode(TONE, 1, (buffer, sample, at) => buffer.writeUInt8(Math.round(sample * 127) + 128, at)),
    { bits: 8 },
  ],
  ["16 bits", signed(16), { bits: 16 }],
  ["20 bits in 3 bytes", signed(20, 3), { bits: 20, frameBytes: 3 }],
  ["24 bits", signed(24), { bits: 24 }],
  ["24 bits in 4 bytes", signed(24, 4), { bits: 24, frameBytes: 4 }],
  ["32 bits", signed(32), { bits: 32 }],
  [
    "32 bits of float",
    encode(TONE, 4, (buffer, sample, at) => buffer.writeFloatLE(sample, at)),
    { tag: FLOAT, bits: 32 },
  ],
  [
    "64 bits of float",
    encode(TONE, 8, (buffer, sample, at) => buffer.writeDoubleLE(sample, at)),
    { tag: FLOAT, bits: 64 },
  ],
  ["A-law", companded(decodeALaw), { tag: 6, bits: 8 }],
  ["mu-law", companded(decodeMuLaw), { tag: 7, bits: 8 }],
  ["extensible 16 bits", signed(16), { bits: 16, ...extensible(PCM, 16) }],
  ["extensible 24 bits in 4 bytes", signed(24, 4), { bits: 32, ...extensible(PCM, 24) }],
  [
    "extensible float",
    encode(TONE, 4, (buffer, sample, at) => buffer.writeFloatLE(sample, at)),
    { bits: 32, ...extensible(FLOAT, 32) },
  ],
  ["a frame size that makes no sense", signed(16), { bits: 16, frameBytes: 0 }],
];

test.each(ENCODINGS)("a WAV file with %s is decoded", async (_, samples, options) => {
  const audio = await collectAudio(writeWav(samples, options));
  expect(audio.start).toEqual({ type: "audio-start", format: "wav", rateHz: 16_000, channels: 1 });
  expect(audio.samples).toHaveLength(TONE.length);
  expect(audio.durationSeconds).toBe(0.5);
  expect(levelOf(audio.samples, 440)).toBeCloseTo(0.5, 2);
  const worst = Math.max(...audio.samples.map((sample, index) => Math.abs(sample - (TONE[index] ?? 0))));
  expect(worst).toBeLessThan(0.02);
});

test.each([1000, 1234, 4000, 8000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000])(
  "a rate of %i Hz is decoded",
  async (rateHz) => {
    const audio = await collectAudio(writeWav(toInt16(sine({ hz: 440, rateHz, seconds: 0.5 })), { rateHz }));
    expect(audio.start.rateHz).toBe(rateHz);
    expect(audio.durationSeconds).toBeCloseTo(0.5, 3);
    expect(levelOf(audio.samples, 440)).toBeCloseTo(0.5, 2);
  },
);

test.each([2, 3, 6, 32])("%i channels become their mean", async (channels) => {
  const samples = Float32Array.from({ length: TONE.length * channels }, (_, index) =>
    index % channels === 0 ? (TONE[Math.floor(index / channels)] ?? 0) : 0,
  );
  const audio = await collectAudio(writeWav(toInt16(samples), { channels }));
  expect(audio.start.channels).toBe(channels);
  expect(levelOf(audio.samples, 440)).toBeCloseTo(0.5 / channels, 3);
});

const LIST = wavChunk("LIST", Buffer.from("INFOISFT\u0004\u0000\u0000\u0000abcd", "latin1"));
const ds64 = (bytes: number) => {
  const content = Buffer.alloc(28);
  content.writeBigUInt64LE(BigInt(bytes), 8);
  return wavChunk("ds64", content);
};
const PCM16 = signed(16);

const LENGTHS: readonly (readonly [string, Uint8Array, number])[] = [
  ["of 0", writeWav(PCM16, { claimedBytes: 0 }), 8000],
  ["of 0xFFFFFFFF", writeWav(PCM16, { claimedBytes: 0xffffffff }), 8000],
  ["beyond the file", writeWav(PCM16, { claimedBytes: 1_000_000 }), 8000],
  ["that is odd", writeWav(PCM16, { claimedBytes: 8001 }), 4000],
  ["within the file, with chunks after it", writeWav(PCM16, { after: LIST }), 8000],
  [
    "of an RF64 file",
    writeWav(PCM16, { id: "RF64", before: ds64(PCM16.length), claimedBytes: 0xffffffff, after: LIST }),
    8000,
  ],
  ["of an RF64 file beyond it", writeWav(PCM16, { id: "RF64", before: ds64(1e15), claimedBytes: 0xffffffff }), 8000],
  [
    "after other chunks, one of odd length",
    writeWav(PCM16, { before: Buffer.concat([LIST, wavChunk("junk", Buffer.alloc(7))]) }),
    8000,
  ],
];

test.each(LENGTHS)("a claimed length %s gives the samples that are there", async (_, bytes, length) => {
  expect((await collectAudio(bytes)).samples).toHaveLength(length);
});

test("a WAV file that is cut anywhere gives the samples before the cut", async () => {
  const whole = writeWav(PCM16);
  for (const cut of [46, 47, 100, 1001]) {
    expect((await collectAudio(whole.subarray(0, cut))).samples).toHaveLength(Math.floor((cut - 44) / 2));
  }
});

test("samples that are no numbers, infinite or too loud stay within -1 to 1", async () => {
  const odd = [0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 7, -7, 1e38];
  const bytes = encode(Float32Array.from(odd), 4, (buffer, sample, at) => buffer.writeFloatLE(sample, at));
  const { samples } = await collectAudio(writeWav(bytes, { tag: FLOAT, bits: 32 }));
  expect([...samples]).toEqual([0.5, 0, 1, -1, 1, -1, 1]);
});

const fmt = (content: Uint8Array) =>
  new Uint8Array(wavChunk("RIFF", Buffer.concat([Buffer.from("WAVE"), wavChunk("fmt ", content)])));

const REFUSED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["no chunks", new Uint8Array(Buffer.from("RIFF\u0004\u0000\u0000\u0000WAVE", "latin1")), /no "fmt " chunk/],
  [
    "samples before the format",
    new Uint8Array(wavChunk("RIFF", Buffer.concat([Buffer.from("WAVE"), wavChunk("data", PCM16)]))),
    /no "fmt " chunk before/,
  ],
  ["no samples chunk", fmt(Buffer.from("010001004000000040000000020010000000", "hex")), /no "data" chunk/],
  ["a short format", fmt(Buffer.alloc(8)), /"fmt " chunk of the WAV file is too short/],
  ["a short extensible format", writeWav(PCM16, { tag: 0xfffe }), /too short for the extensible format/],
  ["no channels", writeWav(PCM16, { channels: 0, frameBytes: 2 }), /has no channels/],
  ["no samples", writeWav(new Uint8Array(0)), /no audio was found/],
  ["no samples before other chunks", writeWav(new Uint8Array(0), { after: LIST }), /no audio was found/],
];

test.each(REFUSED)("a WAV file with %s is refused", async (_, bytes, message) => {
  await expect(collectAudio(bytes)).rejects.toMatchObject({
    code: "invalid_value",
    param: "file",
    message: expect.stringMatching(message),
  });
});

test.each([
  ["ADPCM", { tag: 2, bits: 4, frameBytes: 1 }],
  ["mp3 in WAV", { tag: 0x55, bits: 0, frameBytes: 1 }],
  ["64 bits of PCM", { tag: PCM, bits: 64 }],
  ["half floats", { tag: FLOAT, bits: 16 }],
  ["no bits", { tag: PCM, bits: 0, frameBytes: 0 }],
  ["a subformat of its own", { tag: 0xfffe, extension: Buffer.alloc(24, 7) }],
])("a WAV file with %s needs ffmpeg", async (_, options) => {
  await expect(collectAudio(writeWav(PCM16, options))).rejects.toMatchObject({
    code: "unsupported_value",
    param: "file",
    message: expect.stringContaining("can't decode this wav file without ffmpeg"),
  });
});
