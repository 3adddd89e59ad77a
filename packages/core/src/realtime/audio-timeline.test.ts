import fc from "fast-check";
import { expect, test } from "vitest";
import { createAudioTimeline } from "./audio-timeline.ts";
import type { AudioReader } from "./audio-timeline.ts";

/** Samples that say where they are. */
function count(from: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, index) => (from + index) % 30_000);
}

async function readAll({ pieces }: AudioReader): Promise<number[]> {
  const samples: number[] = [];
  for await (const piece of pieces) samples.push(...piece);
  return samples;
}

const settled = () => new Promise((resolve) => void setImmediate(resolve));

test("each reader gets every sample from where it begins to where it ends, however the audio comes", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 }),
    fc.nat(7),
    fc.nat(40_000),
    async (lengths, opensAt, endsAfter) => {
      const timeline = createAudioTimeline({ lookback: 100 });
      const first = timeline.read(0);
      const whole = readAll(first);
      let reader: { readonly from: number; readonly last: number; readonly samples: Promise<number[]> } | null = null;
      for (const [index, length] of lengths.entries()) {
        if (index === opensAt % lengths.length) {
          const opened = timeline.read(timeline.end - 50);
          const from = opened.position;
          opened.finish(from + endsAfter);
          reader = { from, last: from + endsAfter, samples: readAll(opened) };
        }
        timeline.add(count(timeline.end, length));
        await settled();
      }
      const { end } = timeline;
      first.finish();
      expect(await whole).toEqual([...count(0, end)]);
      if (reader === null || reader.last > end) return;
      expect(await reader.samples).toEqual([...count(reader.from, endsAfter)]);
    },
  );
  await fc.assert(property, { numRuns: 50 });
});

test("a reader can begin behind one that lags, however much audio has come meanwhile", async () => {
  const timeline = createAudioTimeline({ lookback: 100 });
  const slow = timeline.read(0);
  for (let at = 0; at < 50_000; at += 50) timeline.add(count(at, 50));
  await slow.pieces[Symbol.asyncIterator]().next();
  const { position } = slow;
  expect(position).toBeLessThan(10_000);
  const reader = timeline.read(position - 100);
  reader.finish(position);
  expect(await readAll(reader)).toEqual([...count(position - 100, 100)]);
});

test("a reader that is led gets nothing that its leader has not had, until it is finished or the leader is gone", async () => {
  const timeline = createAudioTimeline({ lookback: 1000 });
  const leader = timeline.read(0);
  const led = timeline.read(0, leader);
  const finished = timeline.read(0, leader);
  const got: number[] = [];
  const reading = (async () => {
    for await (const piece of led.pieces) got.push(piece.length);
  })();
  timeline.add(count(0, 100));
  await settled();
  expect(got).toEqual([]);
  finished.finish();
  expect(await readAll(finished)).toHaveLength(100);
  const pieces = leader.pieces[Symbol.asyncIterator]();
  await pieces.next();
  await settled();
  expect(got).toEqual([100]);
  timeline.add(count(100, 50));
  await settled();
  expect(got).toEqual([100]);
  leader.close();
  await settled();
  expect(got).toEqual([100, 50]);
  led.close();
  await reading;
});

test("what nobody needs is forgotten but for the newest part", async () => {
  const timeline = createAudioTimeline({ lookback: 100 });
  for (let at = 0; at < 1000; at += 50) timeline.add(count(at, 50));
  expect(timeline.read(0).position).toBe(900);
  const reader = timeline.read(950);
  for (let at = 1000; at < 2000; at += 50) timeline.add(count(at, 50));
  // The two readers keep what they have not had.
  expect(timeline.read(0).position).toBe(900);
  expect(reader.position).toBe(950);
});

test("there is room as long as the slowest reader is not too far behind", async () => {
  const timeline = createAudioTimeline({ lookback: 0 });
  const reader = timeline.read(0);
  timeline.add(count(0, 1000));
  await timeline.waitForRoom(1000);
  timeline.add(count(1000, 1));
  let hasRoom = false;
  const waiting = timeline.waitForRoom(1000).then(() => (hasRoom = true));
  await settled();
  expect(hasRoom).toBe(false);
  reader.close();
  await waiting;
  expect(await readAll(reader)).toEqual([]);
});
