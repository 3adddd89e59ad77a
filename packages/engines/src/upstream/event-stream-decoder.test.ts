import fc from "fast-check";
import { expect, test } from "vitest";
import { createEventStreamDecoder, type ServerSentEvent } from "./event-stream-decoder.ts";

const ROOMY = { eventBytesMax: 1_000_000 };

function decode(pieces: readonly (string | Uint8Array)[], options = ROOMY): readonly ServerSentEvent[] {
  const decoder = createEventStreamDecoder(options);
  return [...pieces.flatMap((piece) => decoder.push(decoder.decode([Buffer.from(piece)]))), ...decoder.end()];
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** The standard's algorithm, line by line, with the two differences that the module states. */
function decodeBySpecification(text: string): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  let data = "";
  let name: string | null = null;
  for (const line of [...text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/), ""]) {
    if (line === "") {
      if (data.slice(0, -1) !== "") events.push({ name, data: data.slice(0, -1) });
      data = "";
      name = null;
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data += `${value}\n`;
    if (field === "event" && colon !== -1) name = value;
  }
  return events;
}

const line = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "data",
    "data:",
    "data: ",
    "data:  x",
    ": ping",
    "id: 7",
    "retry: 3",
    "event: error",
    "dataset: no",
  ),
  fc.string({ unit: fc.constantFrom("a", "ü", "€", "😀", " ", ":", "\uFEFF") }).map((text) => `data: ${text}`),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 })
  .map((lines) => lines.flat().join(""));

test("any stream is read as the standard says", () => {
  fc.assert(
    fc.property(fc.constantFrom("", "\uFEFF"), stream, (mark, text) => {
      expect(decode([mark + text])).toEqual(decodeBySpecification(mark + text));
    }),
  );
});

test("any split of the bytes gives the same events", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (text, cuts) => {
      const bytes = Buffer.from(text);
      expect(decode(split(bytes, cuts))).toEqual(decode([bytes]));
    }),
  );
});

test("any split of bytes that are no UTF-8 gives the same events", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((noise) => Buffer.concat([Buffer.from("data: x"), noise]));
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 20 }), (stray, cuts) => {
      expect(decode(split(stray, cuts))).toEqual(decode([stray]));
    }),
  );
});

test("an event that the end of the stream cuts off before its blank line still counts", () => {
  expect(decode(["data: 1\n\ndata: 2"])).toEqual([
    { name: null, data: "1" },
    { name: null, data: "2" },
  ]);
});

test("lines of data are joined, and the event's name goes with them", () => {
  expect(decode(["event: error\ndata: {\ndata: }\n\ndata: x\n\n"])).toEqual([
    { name: "error", data: "{\n}" },
    { name: null, data: "x" },
  ]);
});

test("events with empty data are dropped", () => {
  expect(decode(["data:\n\ndata: \n\nevent: ping\n\ndata: x\n\n"])).toEqual([{ name: null, data: "x" }]);
});

test("the longest event passes, one byte more doesn't, however it is cut", () => {
  const options = { eventBytesMax: 16 };
  const longest = `data: ${"x".repeat(10)}`;
  for (const step of [1, 5, 100]) {
    const cut = (text: string) => text.match(new RegExp(`[^]{1,${step}}`, "g")) ?? [];
    expect(decode(cut(`${longest}\n\n${longest}\n\n`), options)).toHaveLength(2);
    expect(() => decode(cut(`${longest}x\n\n`), options)).toThrow(/longer than 16 bytes/);
    expect(() => decode(cut("data: x\ndata: 67890\n\n"), options)).toThrow(/longer than 16 bytes/);
  }
});

test("the length of an event is that of its bytes", () => {
  expect(decode([`data: ${"€".repeat(5)}\n\n`], { eventBytesMax: 21 })).toHaveLength(1);
  expect(() => decode([`data: ${"€".repeat(6)}\n\n`], { eventBytesMax: 21 })).toThrow(/longer than 21 bytes/);
});

test("a line without an end is refused at the limit", () => {
  const decoder = createEventStreamDecoder({ eventBytesMax: 1000 });
  const endless = () => {
    for (let count = 0; count < 12; count += 1) decoder.push("x".repeat(100));
  };
  expect(endless).toThrow(/longer than 1000 bytes/);
});

test("comments keep a stream alive for as long as they come", () => {
  const comments = Array.from({ length: 100 }, () => ": still here\n");
  expect(decode([...comments, "data: x\n\n"], { eventBytesMax: 20 })).toEqual([{ name: null, data: "x" }]);
});

test("a text begins an event where nothing is left of what came before", () => {
  const decoder = createEventStreamDecoder(ROOMY);
  const isBetweenAfter = (text: string) => {
    decoder.push(decoder.decode([Buffer.from(text)]));
    return decoder.isBetweenEvents();
  };
  expect(decoder.isBetweenEvents()).toBe(true);
  expect(isBetweenAfter("data: x\n\n")).toBe(true);
  expect(isBetweenAfter("dat")).toBe(false);
  expect(isBetweenAfter("a: x\n")).toBe(false);
  expect(isBetweenAfter("\n")).toBe(true);
  expect(isBetweenAfter("event: error\n")).toBe(false);
});
