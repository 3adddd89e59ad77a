/** Fifty schemas of the field, each with several prompts, through the wire: JSON that fits, streamed and not. */

import { createLlamaEngine, createScriptedEngine, findCachedModel } from "@openai-compat/engines";
import { SAMPLE_SCHEMAS } from "@openai-compat/engines/sample-schemas";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
addFormats.default(ajv);

const cached = await findCachedModel("smollm2-135m-instruct");
if (cached === null) console.warn("Schemas on SmolLM2: not tested, because it is not in the model cache.");

const PROMPTS = ["Give me an example.", "Tell me about the sea.", "Write as much as you can."] as const;
/** Room for the shortest text of each schema, and for the end of few that a small model would write. */
const TOKENS_MAX = 90;
const AT_ONCE = 4;

const engines = [
  {
    name: "the scripted engine",
    create: () => createScriptedEngine(),
    promptsPerSchema: PROMPTS.length,
    streamsOf: 1,
    ends: ["stop"],
  },
  ...(cached === null
    ? []
    : [
        {
          name: "SmolLM2",
          // An account may hold all slots but one.
          create: () => createLlamaEngine({ modelPath: cached.path, concurrency: AT_ONCE + 1 }),
          // Seconds for each: the prompts take turns, so that each is sent with a third of the schemas, and every
          // second text is streamed too.
          promptsPerSchema: 1,
          streamsOf: 2,
          ends: ["length", "stop"],
        },
      ]),
];

describe.each(engines)("on $name", ({ create, promptsPerSchema, streamsOf, ends }) => {
  test("every text of fifty schemas and several prompts fits its schema, streamed and not", async () => {
    const engine = create();
    const { server, baseUrl, keys } = await startTestServer({ engine });
    const client = new OpenAI({ baseURL: baseUrl, apiKey: keys.key, maxRetries: 0 });
    const cases = SAMPLE_SCHEMAS.flatMap((sample, place) =>
      Array.from({ length: promptsPerSchema }, (_, turn) => {
        const seed = (place + turn) % PROMPTS.length;
        return { ...sample, content: PROMPTS[seed] ?? "", seed, isStreamed: place % streamsOf === 0 };
      }),
    );
    const failed: string[] = [];
    const finishReasons = new Set<string | null | undefined>();
    const workers = Array.from({ length: AT_ONCE }, async () => {
      for (let next = cases.pop(); next !== undefined; next = cases.pop()) {
        const { name, schema, content, seed, isStreamed } = next;
        const request = {
          model: "scripted",
          messages: [{ role: "user" as const, content }],
          response_format: { type: "json_schema" as const, json_schema: { name: "answer", strict: true, schema } },
          max_completion_tokens: TOKENS_MAX,
          temperature: 0.7,
          seed,
        };
        const { choices } = await client.chat.completions.create(request);
        const text = choices[0]?.message.content ?? "";
        finishReasons.add(choices[0]?.finish_reason);
        if (!ajv.validate(schema, JSON.parse(text))) failed.push(`${name}: ${text}`);
        if (!isStreamed) continue;
        let streamed = "";
        for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
          streamed += chunk.choices[0]?.delta.content ?? "";
        }
        if (streamed !== text) failed.push(`${name}: ${text} was streamed as ${streamed}`);
      }
    });
    try {
      await Promise.all(workers);
    } finally {
      await server.close();
      await engine.close();
    }
    expect(failed).toEqual([]);
    // A model ends some by itself, and the limit ends others: both kinds have been seen.
    expect(finishReasons).toEqual(new Set(ends));
  }, 900_000);
});
