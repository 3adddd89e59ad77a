import fc from "fast-check";
import { expect, test } from "vitest";
import { createChunkTemplate } from "./chunk-template.ts";

const chunk = (content: string, extra: Record<string, unknown> = {}): string =>
  JSON.stringify({ id: "c", model: "theirs", choices: [{ index: 0, delta: { content } }], ...extra });
const rename = (text: string): string => text.replace('"theirs"', '"ours"');

function learnt() {
  const template = createChunkTemplate("content");
  template.learn(chunk("first"), rename(chunk("first")));
  return template;
}

test("no chunk matches before one was learnt", () => {
  expect(createChunkTemplate("content").fill(chunk("x"))).toBeNull();
});

test("a chunk that differs in its text alone is filled in", () => {
  expect(learnt().fill(chunk(" wörld €"))).toEqual({
    text: " wörld €",
    sent: rename(chunk(" wörld €")),
  });
});

test("a chunk that differs in anything else does not match", () => {
  const other = chunk("x").replace('"index":0', '"index":1');
  for (const text of [other, chunk("x", { usage: null }), chunk("x").slice(1), `${chunk("x")} `, chunk("")]) {
    expect(learnt().fill(text)).toBeNull();
  }
});

test("invalid JSON between head and tail does not match", () => {
  const [head = "", tail = ""] = chunk("|").split("|");
  for (const text of ['x","content":"y', "x\\", "x\ny", 'x"', "\u0000"]) {
    expect(learnt().fill(head + text + tail)).toBeNull();
  }
});

test("a text with escapes is not learnt", () => {
  const template = learnt();
  template.learn(chunk("a\nb"), rename(chunk("a\nb")));
  expect(template.fill(chunk("x"))).toBeNull();
});

test("reasoning and spaced JSON are learnt as well", () => {
  const template = createChunkTemplate("content");
  template.learn('{"reasoning_content": "a", "n": 1}', '{"reasoning_content": "a", "n": 2}');
  expect(template.fill('{"reasoning_content": "b", "n": 1}')?.sent).toBe('{"reasoning_content": "b", "n": 2}');
});

test("the fast path gives the same result as parsing", () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom('"', "\\", "\n", "€", "a", "\u2028"), fc.string({ minLength: 1, maxLength: 1 })),
  });
  fc.assert(
    fc.property(text, (content) => {
      const filled = learnt().fill(chunk(content));
      if (filled !== null) expect(filled).toEqual({ text: content, sent: rename(chunk(content)) });
      const isPlain =
        content !== "" && JSON.stringify(content) === `"${content}"` && !/[\u0085\u2028\u2029]/.test(content);
      expect(filled !== null).toBe(isPlain);
    }),
  );
});

function fillEvents(text: string, eventLengthMax = 1000) {
  const texts: string[] = [];
  const filled = learnt().fillEvents(text, { eventLengthMax, onText: (found) => void texts.push(found) });
  return { ...filled, texts };
}

test("of events that come together those are filled in that differ in their text alone, up to the first other one", () => {
  const text = fc.string({ unit: fc.constantFrom('"', "\\", "\n", "€", "a", " ", "\u2028") });
  fc.assert(
    fc.property(fc.array(text), fc.string(), (contents, rest) => {
      const events = contents.map((content) => `data: ${chunk(content)}\n\n`);
      const matching = contents.findIndex((content) => learnt().fill(chunk(content)) === null);
      const count = matching === -1 ? contents.length : matching;
      fc.pre(!rest.startsWith("data: "));
      expect(fillEvents(events.join("") + rest)).toEqual({
        length: events.slice(0, count).join("").length,
        sent: rename(events.slice(0, count).join("")).replaceAll('"theirs"', '"ours"'),
        texts: contents.slice(0, count),
      });
    }),
  );
});

test("an event that is not whole, or longer than one may be, is left", () => {
  const event = `data: ${chunk("x")}\n\n`;
  expect(fillEvents(event + event.slice(0, -1))).toMatchObject({ length: event.length, texts: ["x"] });
  expect(fillEvents(event, event.length)).toMatchObject({ length: event.length });
  expect(fillEvents(event, event.length - 1)).toEqual({ length: 0, sent: "", texts: [] });
});

test("events that need no change are sent as they came", () => {
  const template = createChunkTemplate("content");
  template.learn(chunk("first"), chunk("first"));
  const text = `data: ${chunk("a")}\n\ndata: ${chunk("b")}\n\n`;
  expect(template.fillEvents(text, { eventLengthMax: 1000, onText: () => {} })).toEqual({
    length: text.length,
    sent: text,
  });
});
