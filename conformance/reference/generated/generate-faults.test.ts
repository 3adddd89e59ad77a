import { expect, test } from "vitest";
import type { Reply } from "../call.ts";
import { createChange } from "./change-value.ts";
import { changeEvents, readEvents, withData } from "./edit-reply.ts";
import type { Fault } from "./fault.ts";
import { generateFaults, sampleFaults } from "./generate-faults.ts";
import { judgeFault } from "./judge-fault.ts";
import { VARIATIONS } from "./legal.ts";
import { listPlaces } from "./paths.ts";
import { formatRates, isConvincing, summariseFaults } from "./summarise-faults.ts";
import { describeWire } from "./wire-shape.ts";
import { checks } from "../../checks/index.ts";
import { recordChecks } from "../record-calls.ts";

const EMPTY_REPLY: Reply = {
  status: 200,
  headers: { "content-type": "text/event-stream" },
  writes: [],
  end: "clean",
  ready: async () => {},
  release: () => {},
};

function defineNoFault(id: string): Fault {
  const fault = { description: id, operation: "createChatCompletion", mode: "body", operator: "test" } as const;
  return { ...fault, id, mutate: () => ({}) };
}

const isSeen = (id: string): boolean => /^chat\.(?:completion|stream)\./.test(id);
const seen = checks.filter(({ id }) => isSeen(id));

test("places of equal elements share a path, and keys that are no names are any key", () => {
  const value = { choices: [{ text: "a" }, { text: "b" }], top: { " of": 1 } };
  expect(listPlaces(value).map(({ path }) => path)).toEqual([
    "choices",
    "choices[]",
    "choices[].text",
    "choices[]",
    "choices[].text",
    "top",
    "top.*",
  ]);
});

test.each([
  ["absent", { a: [{}] }],
  ["null", { a: [{ b: null }] }],
  ["type", { a: [{ b: "2" }] }],
  ["value", { a: [{ b: 3 }] }],
  ["earlier", { a: [{ b: 1 }] }],
] as const)("a field is made %s", (operator, expected) => {
  const change = createChange("a[].b", operator);
  change({ a: [{ b: 1 }] });
  expect(change({ a: [{ b: 2 }] })).toEqual(expected);
});

test("a value without the place stays the same object", () => {
  const value = { a: [{ c: 1 }] };
  expect(createChange("a[].b", "null")(value)).toBe(value);
});

test("faults of a part of the wire have ids of their own, the same each time, and a sample is spread over operators", async () => {
  const shape = describeWire(await recordChecks(seen));
  const faults = [...generateFaults(shape).values()];
  expect([...generateFaults(shape).keys()]).toEqual(faults.map(({ id }) => id));
  expect(faults.length).toBeGreaterThan(1000);
  const sample = sampleFaults(faults, 150);
  expect(sampleFaults(faults, 150)).toEqual(sample);
  const operators = new Set(faults.map(({ operator }) => operator));
  expect(new Set(sample.map(({ operator }) => operator)).size).toBeGreaterThan(0.6 * operators.size);
}, 120_000);

test("a fault is found by a check that could see it, and no later check is run", async () => {
  const shape = describeWire(await recordChecks(seen));
  const fault = generateFaults(shape).get("chat.body.field.choices[].finish_reason.type");
  if (fault === undefined) throw new Error("There is no such fault.");
  const { killed_by: killedBy, runs } = await judgeFault(fault, seen);
  expect(killedBy).toHaveLength(1);
  expect(runs).toBeLessThan(seen.length);
}, 120_000);

test("what can't change the wire is no fault: an event after the last one, or a stream that no boolean asks for", async () => {
  const ids = [...generateFaults(describeWire(await recordChecks(seen))).keys()];
  expect(ids.filter((id) => /^chat\.stream\.event\.done\.(?:late|swapped)$/.test(id))).toEqual([]);
  expect(ids).toContain("chat.stream.event.done.dropped");
  expect(ids.filter((id) => id.startsWith("chat.stream.parameter.stream.") && id.endsWith("-breaks"))).toEqual([]);
  expect(ids).toContain("chat.body.parameter.stream.string-breaks");
}, 120_000);

test("a run convinces only where each table check noticed something", () => {
  const nothing = { faults: [], variations: [], isWhole: true, exclusions: [] };
  expect(isConvincing(summariseFaults(nothing, []))).toBe(true);
  const summary = summariseFaults({ ...nothing, unkilling: ["chat.invariants.ranges"] }, []);
  expect(isConvincing(summary)).toBe(false);
  expect(formatRates(summary)).toContain("unkilling check: chat.invariants.ranges");
});

test("a run convinces where 98 of 100 faults are killed, and not where 97 are", () => {
  const faults = Array.from({ length: 100 }, (_, index) => defineNoFault(`chat.body.test.${index}`));
  const judge = (killed: number): boolean => {
    const verdicts = faults.map(({ id }, index) => ({
      id,
      killed_by: index < killed ? ["chat.completion.role"] : [],
      stood_aside: [],
      runs: 1,
    }));
    return isConvincing(summariseFaults({ faults, variations: [], isWhole: false }, verdicts));
  };
  expect([judge(98), judge(97)]).toEqual([true, false]);
});

test("events with names are read and changed like others, and keep their names", () => {
  const data = { type: "response.created", sequence_number: 0 };
  const frame = `event: response.created\ndata: ${JSON.stringify(data)}\n\n`;
  const reply = { ...EMPTY_REPLY, writes: [{ data: frame, afterMs: 0 }] };
  expect(readEvents(reply).map(({ kind }) => kind)).toEqual(["response.created"]);
  const changed = changeEvents(reply, ([event]) => (event === undefined ? [] : [withData(event, { type: "other" })]));
  expect(changed.writes.map((write) => write.data)).toEqual(['event: response.created\ndata: {"type":"other"}\n\n']);
});

test("legal variations have ids of their own", () => {
  expect(new Set(VARIATIONS.map(({ id }) => id)).size).toBe(VARIATIONS.length);
});
