import { expect, test } from "vitest";
import { EngineShares } from "./engine-shares.ts";
import type { ShareKey } from "./engine-shares.ts";

const begin = () => Promise.resolve();
const alone = (_count: number) => false;

const CHUNK_MS = 100;
const STEP_MS = 10;

const nameOf = (share: ShareKey) => (typeof share === "string" ? share : "object");

/** What is taken is charged, and asks again at once. Steps are named by their share and their sequence. */
function run(shares: EngineShares, evaluations: number, isCheaperTogether = alone): string {
  const taken: string[] = [];
  for (let at = 0; at < evaluations; at += 1) {
    const chunk = shares.takeChunk();
    if (chunk !== null) {
      shares.addChunk(chunk);
      shares.chargeChunk(chunk.share, CHUNK_MS);
      taken.push(`chunk ${nameOf(chunk.share)}`);
      continue;
    }
    const steps = shares.takeSteps(isCheaperTogether);
    for (const step of steps) shares.addStep(step);
    shares.chargeSteps(steps, STEP_MS * steps.length);
    taken.push(steps.map(({ share, sequenceNumber }) => `${nameOf(share)}${sequenceNumber}`).join("+"));
  }
  return taken.join(" ");
}

function addSteps(shares: EngineShares, share: string, sequences: readonly number[]): void {
  for (const sequenceNumber of sequences) shares.addStep({ share, sequenceNumber, begin });
}

test("steps take turns among the shares, and within one", () => {
  const shares = new EngineShares();
  addSteps(shares, "a", [0, 1, 2]);
  addSteps(shares, "b", [3]);
  expect(run(shares, 8)).toBe("a0 b3 a1 b3 a2 b3 a0 b3");
});

test("steps of consecutive sequences go together where that is cheaper, in the order of the sequences", () => {
  const shares = new EngineShares();
  addSteps(shares, "a", [5, 1, 0]);
  addSteps(shares, "b", [2]);
  const asked: number[] = [];
  const isCheaperTogether = (count: number) => {
    asked.push(count);
    return count > 2;
  };
  // It has no neighbour, so nothing is asked.
  expect(run(shares, 1, isCheaperTogether)).toBe("a5");
  expect(run(shares, 1, isCheaperTogether)).toBe("a0+a1+b2");
  expect(asked).toEqual([3]);
  expect(run(shares, 1)).toBe("a5");
  expect(run(shares, 1)).toBe("b2");
});

test("between two chunks of a share, each of its waiting steps has its turn", () => {
  const shares = new EngineShares();
  addSteps(shares, "a", [0, 1]);
  shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  expect(run(shares, 7)).toBe("chunk a a0 a1 chunk a a0 a1 chunk a");
});

test("a share that has used up its credit reads a chunk, and the others sample for as long", () => {
  const shares = new EngineShares();
  addSteps(shares, "a", [0]);
  addSteps(shares, "b", [1]);
  shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  // The credit of a second: ten chunks, less what the other one has meanwhile.
  const start = run(shares, 30);
  expect(start.split(" ").filter((word) => word === "chunk").length).toBe(10);
  // What a itself samples counts as well.
  expect(run(shares, 24)).toBe("chunk a a0 b1 b1 b1 b1 b1 b1 b1 b1 b1 b1 chunk a a0 b1 b1 b1 b1 b1 b1 b1 b1 b1 b1");
});

test("the time of a chunk counts for nothing while no other share waits", () => {
  const shares = new EngineShares();
  shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  run(shares, 100);
  addSteps(shares, "b", [0]);
  expect(run(shares, 6)).toBe("b0 chunk a b0 chunk a b0 chunk a");
});

test("a share that is behind reads before those that have had more", () => {
  const shares = new EngineShares();
  shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  shares.addChunk({ share: "b", call: "call", tokensLeft: 64, begin });
  expect(run(shares, 6)).toBe("chunk a chunk b chunk a chunk b chunk a chunk b");
});

test("nobody is held up for longer than a chunk takes, whatever its steps took", () => {
  const shares = new EngineShares();
  addSteps(shares, "b", [5]);
  shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  expect(run(shares, 1)).toBe("chunk a");
  shares.chargeSteps([{ share: "a", sequenceNumber: 0, begin }], 60_000);
  expect(run(shares, 11)).toBe("b5 b5 b5 b5 b5 b5 b5 b5 b5 b5 chunk a");
});

test("what was removed is not taken, and holds nobody up", () => {
  const shares = new EngineShares();
  const removeStep = shares.addStep({ share: "a", sequenceNumber: 0, begin });
  const removeChunk = shares.addChunk({ share: "a", call: "call", tokensLeft: 64, begin });
  shares.addChunk({ share: "b", call: "call", tokensLeft: 64, begin });
  removeChunk();
  expect(shares.takeChunk()?.share).toBe("b");
  shares.addChunk({ share: "b", call: "call", tokensLeft: 64, begin });
  // It is due after the chunk.
  expect(shares.takeChunk()).toBeNull();
  removeStep();
  expect(shares.takeChunk()?.share).toBe("b");
  expect(shares.takeSteps(alone)).toEqual([]);
});
