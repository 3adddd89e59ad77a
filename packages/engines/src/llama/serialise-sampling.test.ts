import { expect, test } from "vitest";
import type { NativeContext, NativeSampler } from "./native-context.ts";
import { serialiseSampling } from "./serialise-sampling.ts";

const createSampler = (): NativeSampler => ({ applyConfig: () => {}, dispose: () => {} });

/** Each sampling step takes the time of its sampler, and returns the number of its row. */
function setUp(times: ReadonlyMap<NativeSampler, number>) {
  let nowMs = 0;
  let running = 0;
  const native: Pick<NativeContext, "sampleToken"> = {
    async sampleToken(row, sampler, probabilities) {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      nowMs += times.get(sampler) ?? 0;
      running -= 1;
      return probabilities === undefined ? row : [row, []];
    },
  };
  serialiseSampling(native, () => nowMs);
  return native;
}

test("decode steps run one after the other, in the order of their calls", async () => {
  const sampler = createSampler();
  const native = setUp(new Map());
  const rows = Array.from({ length: 10 }, (_, row) => row);
  expect(await Promise.all(rows.map((row) => native.sampleToken(row, sampler)))).toEqual(rows);
});

test("a generation whose slow decode steps have taken five seconds samples no more, and the others go on", async () => {
  const [slow, slowWithProbabilities, usual] = [createSampler(), createSampler(), createSampler()];
  const native = setUp(
    new Map([
      [slow, 1000],
      [slowWithProbabilities, 3000],
      [usual, 499],
    ]),
  );
  const steps: unknown[][] = [];
  for (let row = 0; row < 30; row += 1) {
    steps.push([
      await native.sampleToken(row, slow),
      await native.sampleToken(row, slowWithProbabilities, true),
      await native.sampleToken(row, usual),
    ]);
  }
  expect(steps.map(([token]) => token).findIndex((token) => token === -1)).toBe(6);
  expect(steps[2]?.[1]).toEqual([-1]);
  expect(steps.map(([, , token]) => token)).toEqual(Array.from({ length: 30 }, (_, row) => row));
});
