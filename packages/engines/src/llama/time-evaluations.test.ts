import { expect, test } from "vitest";
import { timeEvaluations } from "./time-evaluations.ts";

test("the time of evaluations adds up, those that fail included, and their outcome is theirs", async () => {
  let nowMs = 0;
  let fails = false;
  const native = {
    async decodeBatch() {
      nowMs += 30;
      if (fails) throw new Error("broken");
      return "evaluated";
    },
  };
  const evaluatedMs = timeEvaluations(native, () => nowMs);
  expect(await native.decodeBatch()).toBe("evaluated");
  nowMs += 1000;
  expect(evaluatedMs()).toBe(30);
  fails = true;
  await expect(native.decodeBatch()).rejects.toThrow("broken");
  expect(evaluatedMs()).toBe(60);
});
