/** Damaged files of every format: each is decoded or refused, and nothing else happens. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AiError } from "@openai-compat/core";
import { collectAudio } from "./testing/collect-audio.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { repairOgg } from "./testing/repair-ogg.ts";
import { sine, toInt16, wavChunk, writeWav } from "./testing/write-wav.ts";

const MUTATIONS = 1000;

/**
 * So many at least are decoded, or the damage never gets past the first header. Of Ogg Vorbis, whose pages have checksums,
 * about 50 are, give or take 7: the bound is far below what chance can bring.
 */
const DECODED_MIN = 20;

/** Of one file, whatever it holds; on a machine that does much else. */
const FILE_MS_MAX = 30_000;

const WAV = writeWav(toInt16(sine({ hz: 440, rateHz: 22_050, seconds: 0.1 })), {
  rateHz: 22_050,
  before: wavChunk("LIST", Buffer.from("INFO")),
  after: wavChunk("LIST", Buffer.from("INFO")),
});

const FILES = [
  { name: "wav", bytes: WAV, repair: asIs },
  { name: "mp3", bytes: readFixture("tone.mp3"), repair: asIs },
  { name: "flac", bytes: readFixture("tone.flac"), repair: asIs },
  { name: "ogg flac", bytes: readFixture("tone-flac.oga"), repair: repairOgg },
  { name: "ogg opus", bytes: readFixture("tone.opus"), repair: repairOgg },
  { name: "ogg vorbis", bytes: readFixture("tone-vorbis.ogg"), repair: repairOgg },
];

function asIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}

/** Bytes that lie: lengths, counts, signs. */
const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff), fc.nat(255));
/** In the file, or in its head, where the lengths are. */
const place = fc.oneof(fc.nat(199), fc.nat());

type Mutation = (bytes: Uint8Array) => Uint8Array;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.tuple(place, byte), { minLength: 1, maxLength: 20 }).map(setBytes) },
  {
    weight: 2,
    arbitrary: fc.tuple(place, fc.array(byte, { minLength: 2, maxLength: 8 })).map(([at, run]) => setRun(at, run)),
  },
  {
    weight: 1,
    arbitrary: fc.nat().map(
      (at): Mutation =>
        (bytes) =>
          bytes.subarray(0, at % bytes.length),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(place, fc.nat(3000)).map(([at, length]) => drop(at, length)) },
  { weight: 1, arbitrary: fc.tuple(place, place, fc.nat(3000)).map(([to, from, length]) => copy(to, from, length)) },
);

function setBytes(changes: readonly (readonly [number, number])[]): Mutation {
  return (bytes) => {
    const changed = bytes.slice();
    for (const [at, value] of changes) changed[at % bytes.length] = value;
    return changed;
  };
}

function setRun(at: number, run: readonly number[]): Mutation {
  return setBytes(run.map((value, index) => [at + index, value]));
}

function drop(at: number, length: number): Mutation {
  return (bytes) => {
    const start = at % bytes.length;
    return new Uint8Array(Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)]));
  };
}

function copy(to: number, from: number, length: number): Mutation {
  return (bytes) => bytes.slice().copyWithin(to % bytes.length, from % bytes.length, (from % bytes.length) + length);
}

const unhandled: unknown[] = [];
const keep = (reason: unknown) => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", keep));
afterAll(() => void process.off("unhandledRejection", keep));

test.each(FILES)(
  `${MUTATIONS} damaged files of $name are decoded or refused`,
  async ({ bytes, repair }) => {
    let decoded = 0;
    const cases = fc.tuple(mutation, fc.boolean());
    await fc.assert(
      fc.asyncProperty(cases, async ([mutate, isRepaired]) => {
        const file = isRepaired ? repair(mutate(bytes)) : mutate(bytes);
        const began = performance.now();
        try {
          const { samples } = await collectAudio(file, { limits: { secondsMax: 600 } });
          decoded += 1;
          if (!samples.every((sample) => Math.abs(sample) <= 2)) throw new Error("A sample is no number or too large.");
        } catch (thrown) {
          if (!(thrown instanceof AiError)) throw thrown;
          expect(["invalid_value", "unsupported_value"]).toContain(thrown.code);
          expect(thrown.message).toMatch(/^[ -~]{20,300}$/);
        }
        expect(performance.now() - began).toBeLessThan(FILE_MS_MAX);
      }),
      { numRuns: MUTATIONS },
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
    expect(decoded).toBeGreaterThan(DECODED_MIN);
  },
  900_000,
);
