import { expect, test } from "vitest";
import { planChecks } from "../../src/plan.ts";
import { runChecks } from "../../src/runner.ts";
import { serveForTest } from "../../src/test-server.fixture.ts";
import { checks } from "../index.ts";

const NUMBERS = 1536;
const ITEMS = 2048;

/** As many bytes as OpenAI's answer has: 17 MB in base64, and more as numbers. */
function composeAnswer(isBase64: boolean, items: number): Buffer {
  const vector = Float32Array.from({ length: NUMBERS }, (_, index) => Math.sin(index) / 40);
  const embedding = isBase64
    ? Buffer.from(vector.buffer).toString("base64")
    : Array.from(vector, (value) => Number(value.toFixed(6)));
  const data = Array.from(
    { length: items },
    (_, index) => `{"object":"embedding","index":${index},"embedding":${JSON.stringify(embedding)}}`,
  );
  return Buffer.from(
    `{"object":"list","model":"m","usage":{"prompt_tokens":1,"total_tokens":1},"data":[${data.join(",")}]}`,
  );
}

test.each([
  ["base64", true, ITEMS, "pass"],
  ["numbers", false, ITEMS, "pass"],
  ["base64 of which one is missing", true, ITEMS - 1, "warn"],
] as const)(
  "a whole batch of large vectors as %s is counted",
  { timeout: 120_000 },
  async (_, isBase64, items, outcome) => {
    const answer = composeAnswer(isBase64, items);
    expect(answer.length).toBeGreaterThan(16_000_000);
    const baseUrl = await serveForTest((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json" }).end(answer);
    });
    const target = { baseUrl, keys: {}, models: { embedding: "m" } };
    const batch = checks.filter(({ id }) => id === "embeddings.batch");
    const [result] = await runChecks({ target, plan: planChecks(batch, target), limits: { retriesMax: 0 } });
    expect(result).toMatchObject({ outcome });
  },
);
