import fc from "fast-check";
import { expect, test } from "vitest";
import { createStopFilter } from "./stop-filter.ts";

/** The definition, on the whole text: grow it by one code unit until some stop string is its tail. */
function cutWhole(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end += 1) {
    const grown = text.slice(0, end);
    const tails = stops.filter((stop) => grown.endsWith(stop));
    if (tails.length > 0) return grown.slice(0, end - Math.max(...tails.map((stop) => stop.length)));
  }
  return text;
}

const letters = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), maxLength: 24 });
const stopLists = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), minLength: 1, maxLength: 5 }), {
  maxLength: 4,
});

test("any split of a text gives what cutting the whole text gives", () => {
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), stopLists, (pieces, stops) => {
      const filter = createStopFilter(stops);
      let text = "";
      for (const piece of pieces) text += filter.push(piece);
      text += filter.end();
      const whole = pieces.join("");
      expect(text).toBe(cutWhole(whole, stops));
      expect(filter.stopped).toBe(text !== whole || stops.some((stop) => whole.includes(stop)));
    }),
    { numRuns: 2000 },
  );
});

test("no delta holds the beginning of a stop string that completes later", () => {
  const filter = createStopFilter(["</end>"]);
  expect(filter.push("text <")).toBe("text ");
  expect(filter.push("/en")).toBe("");
  expect(filter.push("d> more")).toBe("");
  expect(filter.stopped).toBe(true);
  expect(filter.push("after")).toBe("");
});

test("a held-back beginning is emitted as soon as it can't become a stop string", () => {
  const filter = createStopFilter(["</end>"]);
  expect(filter.push("</")).toBe("");
  expect(filter.push("p>")).toBe("</p>");
});

test("a stop string of half a surrogate pair never splits a character", () => {
  const filter = createStopFilter(["\ud83d"]);
  expect(filter.push("😀")).toBe("😀");
  expect(filter.stopped).toBe(false);
});
