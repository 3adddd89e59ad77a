import { expect, test } from "vitest";
import { describeSnippet } from "./snippet.ts";

const KEY = `sk-${"x".repeat(43)}`;
const BASE_URL = "http://127.0.0.1:8080/v1";
const ADVICE = ["Create a key with:", "  npx keys create"];
const describe = (overrides: Partial<Parameters<typeof describeSnippet>[0]> = {}) =>
  describeSnippet({ baseUrl: BASE_URL, key: KEY, advice: ADVICE, chatModel: "small", addresses: [], ...overrides });

test("no line is wider than a terminal of 80 columns", () => {
  const lines = describe({ chatModel: "qwen2.5-coder-0.5b-instruct" }).split("\n");
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("the key is shown once, in a line that a shell takes", () => {
  const text = describe();
  expect(text.split(KEY)).toHaveLength(2);
  expect(text).toContain(`\nexport OPENAI_API_KEY=${KEY}\n`);
  expect(text).toContain(`\nexport OPENAI_BASE_URL=${BASE_URL}\n`);
  for (const line of ADVICE) expect(text).toContain(line);
});

test("a model's id can't end the quotes that it stands in", () => {
  const text = describe({ chatModel: `it's "odd"` });
  expect(text).toContain(`"model": "it'\\''s \\"odd\\"",`);
  expect(text).toContain(`model="it's \\"odd\\"",`);
});

test("without a model for chat there is no call to paste", () => {
  expect(describe({ chatModel: null })).not.toContain("chat/completions");
});

test.each([
  ["http://0.0.0.0:8080/v1", ["http://127.0.0.1:8080/v1", "http://192.0.2.7:8080/v1"]],
  ["http://[::]:8080/v1", ["http://127.0.0.1:8080/v1", "http://192.0.2.7:8080/v1"]],
  ["http://192.0.2.9:8080/v1", ["http://192.0.2.9:8080/v1"]],
])("a server at %s prints URLs that can be opened", (baseUrl, urls) => {
  const text = describe({ baseUrl, addresses: ["192.0.2.7"] });
  expect(text.match(/^(?:Listening on| +and) \S+$/gm)?.map((line) => line.split(" ").at(-1))).toEqual(urls);
  expect(text).toContain(`export OPENAI_BASE_URL=${urls[0]}\n`);
});
