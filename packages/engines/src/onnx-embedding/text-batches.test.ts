import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextBatches } from "./text-batches.ts";

interface Text {
  readonly call: number;
  readonly tokens: readonly number[];
}

const LIMITS = { tokensMax: 64, paddingShareMax: 0.25 };
const CALLS = [0, 1, 2, 3].map((call) => ({ call }));
const [FIRST = { call: 0 }, SECOND = { call: 1 }] = CALLS;

function makeText(call: number, length: number): Text {
  return { call, tokens: Array.from({ length }, () => 1) };
}

function open(texts: readonly Text[]) {
  const batches = createTextBatches<Text>(LIMITS);
  for (const text of texts) batches.add(CALLS[text.call] ?? FIRST, text);
  return batches;
}

function takeAll(batches: ReturnType<typeof open>): readonly (readonly Text[])[] {
  const taken: (readonly Text[])[] = [];
  while (!batches.isEmpty) taken.push(batches.take());
  return taken;
}

const texts = fc.array(
  fc.tuple(fc.nat(CALLS.length - 1), fc.integer({ min: 1, max: 100 })).map(([call, length]) => makeText(call, length)),
  { maxLength: 60 },
);

test("every text is in exactly one batch, and none is empty", () => {
  fc.assert(
    fc.property(texts, (all) => {
      const taken = takeAll(open(all));
      expect(taken.every((batch) => batch.length > 0)).toBe(true);
      expect(new Set(taken.flat())).toEqual(new Set(all));
      expect(taken.flat()).toHaveLength(all.length);
    }),
  );
});

test("a batch of several texts keeps within its tokens and its padding", () => {
  fc.assert(
    fc.property(texts, (all) => {
      for (const batch of takeAll(open(all)).filter(({ length }) => length > 1)) {
        const lengths = batch.map(({ tokens }) => tokens.length);
        const padded = Math.max(...lengths) * batch.length;
        const total = lengths.reduce((sum, length) => sum + length, 0);
        expect(padded).toBeLessThanOrEqual(LIMITS.tokensMax);
        expect(padded).toBeLessThanOrEqual(total * (1 + LIMITS.paddingShareMax));
      }
    }),
  );
});

test("a call waits for no more batches than there are calls before one of its texts is computed", () => {
  fc.assert(
    fc.property(texts, (all) => {
      const taken = takeAll(open(all));
      for (const { call } of CALLS) {
        const served = taken.flatMap((batch, index) => (batch.some((text) => text.call === call) ? [index] : []));
        const waits = served.map((batch, place) => batch - (served[place - 1] ?? -1));
        expect(Math.max(0, ...waits)).toBeLessThanOrEqual(CALLS.length);
      }
    }),
  );
});

test("texts of equal length from different calls share a batch", () => {
  const all = [makeText(0, 8), makeText(1, 8), makeText(2, 8)];
  expect(takeAll(open(all))).toEqual([all]);
});

test("a text that was removed is in no batch, and removing it again changes nothing", () => {
  const [gone, kept] = [makeText(0, 8), makeText(1, 8)];
  const batches = open([gone, kept]);
  batches.remove(FIRST, gone);
  batches.remove(FIRST, gone);
  batches.remove(SECOND, gone);
  expect(takeAll(batches)).toEqual([[kept]]);
  expect(batches.take()).toEqual([]);
});

test("a call that comes later has its turn after one batch of a long call", () => {
  const long = Array.from({ length: 20 }, () => makeText(0, 60));
  const batches = open(long);
  batches.take();
  const late = makeText(1, 5);
  batches.add(SECOND, late);
  batches.take();
  expect(batches.take()).toEqual([late]);
});
