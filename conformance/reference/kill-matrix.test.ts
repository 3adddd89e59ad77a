import { expect, test } from "vitest";
import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import { findReferenceFaults, isSound, narrowChecks, runKillMatrix, summariseKills } from "./kill-matrix.ts";
import { mutants } from "./mutants/index.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { recordChecks } from "./record-calls.ts";
import { selectChecks } from "./select-checks.ts";
import { defineReferenceWire } from "./wire.ts";

test("the reference server passes every check", async () => {
  expect(
    (await findReferenceFaults()).map(({ check, outcome, reason }) => `${outcome} ${check.id}: ${reason}`),
  ).toEqual([]);
}, 120_000);

test("mutants have ids of their own and intend checks that exist", () => {
  const ids = mutants.map((mutant) => mutant.id);
  expect(new Set(ids).size).toBe(ids.length);
  const known = new Set(checks.map((check) => check.id));
  expect(mutants.flatMap((mutant) => mutant.intended).filter((id) => !known.has(id))).toEqual([]);
});

test("every check is intended by a mutant", () => {
  const intended = new Set(mutants.flatMap((mutant) => mutant.intended));
  expect(narrowChecks.map((check) => check.id).filter((id) => !intended.has(id))).toEqual([]);
});

test("a mutant changes the wire", () => {
  const wire = defineReferenceWire();
  expect(mutants.filter((mutant) => Object.keys(mutant.mutate(wire)).length === 0)).toEqual([]);
});

test("one in forty mutants is killed by the intended checks and no other, of all that could differ", async () => {
  const records = await recordChecks(narrowChecks);
  const sample = mutants.filter((_, index) => index % 40 === 0);
  const select = (mutant: Mutant): readonly Check[] => selectChecks(mutant, records);
  const matrix = await runKillMatrix({ mutants: sample, parallel: 6, select });
  expect({ ...matrix, mutants: [], unkilled_checks: [], orphans: [] }).toEqual(summariseKills([], []));
  expect(matrix.mutants).toHaveLength(sample.length);
}, 180_000);

test("one in four hundred mutants is killed by the intended checks and no other, of all", async () => {
  const sample = mutants.filter((_, index) => index % 400 === 50);
  const matrix = await runKillMatrix({ mutants: sample, parallel: 6 });
  expect({ ...matrix, mutants: [], unkilled_checks: [], orphans: [] }).toEqual(summariseKills([], []));
}, 180_000);

test("survivors, false blame and unkilled checks are distinguished", () => {
  const matrix = summariseKills(
    [
      { id: "killed", intended: ["a"], killed_by: ["a"], orphans: [] },
      { id: "alive", intended: ["b"], killed_by: [], orphans: ["c"] },
      { id: "blamed", intended: ["a"], killed_by: ["a", "c"], orphans: [] },
    ],
    ["a", "b", "c", "d"],
  );
  expect(matrix.survivors).toEqual(["alive"]);
  expect(matrix.false_blame).toEqual([{ mutant: "blamed", check: "c" }]);
  expect(matrix.unkilled_checks).toEqual(["b", "d"]);
  expect(matrix.orphans).toEqual([{ mutant: "alive", check: "c" }]);
  expect(isSound(matrix)).toBe(false);
});

test("a matrix in which a check stepped aside for nobody is not sound", () => {
  const killed = { id: "killed", intended: ["a"], killed_by: ["a"] };
  expect(isSound(summariseKills([{ ...killed, orphans: [] }], ["a"]))).toBe(true);
  expect(isSound(summariseKills([{ ...killed, orphans: ["b"] }], ["a"]))).toBe(false);
});
