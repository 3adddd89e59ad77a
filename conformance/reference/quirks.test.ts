import { expect, test } from "vitest";
import { checks } from "../checks/index.ts";
import { CAUGHT_QUIRKS, UNJUDGED_QUIRKS } from "./quirks.ts";

const known = new Set(checks.map(({ id }) => id));

test("each check that is said to catch a quirk exists", () => {
  const named = CAUGHT_QUIRKS.flatMap(([, ids]) => ids.split(" "));
  expect(named.filter((id) => !known.has(id))).toEqual([]);
});

test("each quirk is described once", () => {
  const quirks = [...CAUGHT_QUIRKS, ...UNJUDGED_QUIRKS].map(([quirk]) => quirk);
  expect(new Set(quirks).size).toBe(quirks.length);
});
