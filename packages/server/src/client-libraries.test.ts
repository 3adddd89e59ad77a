/**
 * The libraries that most programs reach such a server through, against a listening one: Vercel's AI SDK and LangChain.
 */

import { createOpenAI } from "@ai-sdk/openai";
import { tool as defineTool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import type { ChatEngine, EmbeddingEngine } from "@openai-compat/core";
import {
  createLlamaEmbeddingEngine,
  createLlamaEngine,
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  findCachedModel,
} from "@openai-compat/engines";
import {
  Output,
  embedMany,
  generateObject,
  generateText,
  isStepCount,
  jsonSchema,
  streamObject,
  streamText,
  tool,
} from "ai";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startTestServer } from "./testing/test-server.ts";

const chatFile = await findCachedModel("smollm2-135m-instruct");
const embeddingFile = await findCachedModel("all-minilm-l6-v2");
const local = chatFile === null || embeddingFile === null ? null : [chatFile.path, embeddingFile.path];
if (local === null) console.warn("Libraries on local models: not tested, because these are not in the model cache.");

const engines: readonly { readonly name: string; readonly chat: ChatEngine; readonly embedding: EmbeddingEngine }[] = [
  { name: "the scripted engine", chat: createScriptedEngine(), embedding: createScriptedEmbeddingEngine() },
  ...(local === null
    ? []
    : [
        {
          name: "local models",
          chat: createLlamaEngine({ modelPath: local[0] ?? "", concurrency: 2 }),
          embedding: createLlamaEmbeddingEngine({ modelPath: local[1] ?? "" }),
        },
      ]),
];

const prompt = "Tell me about the sea.";
/** Every text in it is bounded: a small model would go on for ever. */
const citySchema = z.object({
  name: z.string().max(20),
  population: z.number().int().min(0).max(99_999),
  kind: z.enum(["capital", "harbour", "village"]),
  mayor: z.enum(["Ada", "Grace"]).nullable(),
  districts: z.array(z.object({ isOld: z.boolean() })).max(3),
});
const weatherSchema = z.object({ city: z.enum(["Oslo", "Quito"]), unit: z.enum(["celsius", "kelvin"]) });
/** As Zod writes them for its types, and as MCP servers send them: none of it is in the strict subset. */
const visitSchema = z.object({
  id: z.uuid(),
  mail: z.email().max(60),
  day: z.iso.date(),
  step: z.number().multipleOf(0.25).min(0).max(9),
});
const formSchema = {
  type: "object",
  properties: {
    text: { type: "string", maxLength: 10_000, errorMessage: "a text" },
    marks: { type: "object", propertyNames: { type: "string" }, additionalProperties: { type: "integer" } },
    tags: { type: "array", items: { type: "string" }, uniqueItems: true },
    other: { not: { type: "null" } },
  },
  propertyOrdering: ["text"],
} as const;
const weatherTool = defineTool(async () => "It rains.", {
  name: "weather",
  description: "Tells the weather of a city.",
  schema: weatherSchema,
});

describe.each(engines)("on $name", { timeout: 60_000 }, ({ chat, embedding }) => {
  let target: Awaited<ReturnType<typeof startTestServer>>;
  beforeAll(async () => {
    target = await startTestServer({
      models: [
        { id: "chat", isDefault: true, engine: chat },
        { id: "words", type: "embedding", engine: embedding },
      ],
    });
  });
  afterAll(async () => {
    await target.server.close();
  });
  const vercel = () => createOpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key });
  const langchain = () =>
    new ChatOpenAI({
      model: "chat",
      apiKey: target.keys.key,
      configuration: { baseURL: target.baseUrl },
      maxTokens: 120,
      maxRetries: 0,
    });

  test("the AI SDK generates text with its usage, and streams the same", async () => {
    const request = { model: vercel().chat("chat"), prompt, seed: 3, maxOutputTokens: 40 };
    const { text, finishReason, usage } = await generateText(request);
    expect(text).not.toBe("");
    expect(finishReason).toBe(usage.outputTokens === 40 ? "length" : "stop");
    expect(usage.outputTokens).toBeGreaterThan(0);
    const stream = streamText(request);
    let streamed = "";
    for await (const delta of stream.textStream) streamed += delta;
    expect(streamed).toBe(text);
    expect(await stream.finishReason).toBe(finishReason);
    expect((await stream.usage).outputTokens).toBe(usage.outputTokens);
  });

  test("the AI SDK calls a tool, hands its result back and gets an answer", async () => {
    const asked: z.output<typeof weatherSchema>[] = [];
    const { steps, text } = await generateText({
      model: vercel().chat("chat"),
      prompt,
      maxOutputTokens: 120,
      tools: {
        weather: tool({
          description: "Tells the weather of a city.",
          inputSchema: weatherSchema,
          execute: async (input) => {
            asked.push(input);
            return "It rains.";
          },
        }),
      },
      // One call with bounded arguments ends by itself; a small model that may call several goes on until the limit.
      providerOptions: { openai: { parallelToolCalls: false } },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
      stopWhen: isStepCount(3),
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked).toEqual(steps[0]?.toolCalls.map(({ input }) => input));
    expect(steps).toHaveLength(2);
    expect(steps[0]?.finishReason).toBe("tool-calls");
    expect(text).not.toBe("");
  });

  test("the AI SDK streams the call of a tool whose arguments fit", async () => {
    const stream = streamText({
      model: vercel().chat("chat"),
      prompt,
      maxOutputTokens: 120,
      tools: { weather: tool({ inputSchema: weatherSchema }) },
      toolChoice: { type: "tool", toolName: "weather" },
    });
    const [call] = await stream.toolCalls;
    expect(call?.toolName).toBe("weather");
    expect(weatherSchema.safeParse(call?.input).success).toBe(true);
  });

  test("the AI SDK generates an object of a schema, at once and streamed", async () => {
    const request = { model: vercel().chat("chat"), schema: citySchema, prompt: "Describe a city." };
    const { object } = await generateObject(request);
    expect(citySchema.parse(object)).toEqual(object);
    const stream = streamObject(request);
    let pieces = 0;
    for await (const _ of stream.partialObjectStream) pieces += 1;
    expect(pieces).toBeGreaterThan(1);
    expect(citySchema.safeParse(await stream.object).success).toBe(true);
  });

  test("the AI SDK generates text with an output of a schema", async () => {
    const request = {
      model: vercel().chat("chat"),
      prompt: "Describe a city.",
      output: Output.object({ schema: citySchema }),
    };
    const { output } = await generateText(request);
    expect(citySchema.parse(output)).toEqual(output);
  });

  test("the AI SDK offers tools whose schemas are beyond the strict subset", async () => {
    const { finishReason } = await generateText({
      model: vercel().chat("chat"),
      prompt,
      maxOutputTokens: 5,
      tools: { form: tool({ inputSchema: jsonSchema(formSchema) }), visit: tool({ inputSchema: visitSchema }) },
    });
    expect(["length", "stop", "tool-calls"]).toContain(finishReason);
  });

  test("the SDK's helpers for Zod get what conforms to patterns, formats and multiples", async () => {
    const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });
    const request = { model: "chat", messages: [{ role: "user" as const, content: "Note a visit." }], max_tokens: 400 };
    const formed = await client.chat.completions.parse({
      ...request,
      response_format: zodResponseFormat(visitSchema, "visit"),
    });
    expect(visitSchema.safeParse(formed.choices[0]?.message.parsed).error).toBeUndefined();
    const { choices } = await client.chat.completions.parse({
      ...request,
      tools: [zodFunction({ name: "visit", parameters: visitSchema })],
      tool_choice: { type: "function", function: { name: "visit" } },
    });
    const [call] = choices[0]?.message.tool_calls ?? [];
    if (call?.type !== "function") expect.fail("There is no call of a function.");
    expect(visitSchema.safeParse(call.function.parsed_arguments).error).toBeUndefined();
  });

  test("the SDK calls a custom tool whose input is of a regular expression, at once and streamed, and goes on from it", async () => {
    const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });
    const definition = String.raw`(?P<verb>add|drop) \"[^\"\n]{1,12}\"\n\u{1F600}\\`;
    const format = { type: "grammar", grammar: { syntax: "regex", definition } } as const;
    const request = {
      model: "chat",
      messages: [{ role: "user" as const, content: "Change the list." }],
      max_tokens: 120,
      seed: 3,
      tools: [{ type: "custom" as const, custom: { name: "change", description: "Changes a list.", format } }],
    };
    const forced = { ...request, tool_choice: { type: "custom" as const, custom: { name: "change" } } };
    const { choices } = await client.chat.completions.create(forced);
    const message = choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    if (message === undefined || call?.type !== "custom") expect.fail("There is no call of a custom tool.");
    expect(call).toEqual({
      id: expect.any(String),
      type: "custom",
      custom: { name: "change", input: expect.any(String) },
    });
    expect(call.custom.input).toMatch(/^(?:add|drop) "[^"\n]{1,12}"\n😀\\$/u);

    const streamed = await client.chat.completions.stream(forced).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([{ type: "custom", custom: call.custom }]);
    expect(streamed.choices[0]?.finish_reason).toBe(choices[0]?.finish_reason);

    const result = { role: "tool" as const, tool_call_id: call.id, content: "Done." };
    const messages = [...request.messages, message, result];
    const answer = await client.chat.completions.create({ ...request, messages, tool_choice: "none", max_tokens: 20 });
    expect(answer.choices[0]?.message.content).not.toBe("");
  });

  test("the SDK's custom tool takes any text, which a limit may cut, beside a function", async () => {
    const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });
    const patch = { type: "custom", custom: { name: "patch", format: { type: "text" } } } as const;
    const weather = { type: "function", function: { name: "weather" } } as const;
    const allowed = { mode: "required" as const, tools: [patch] };
    const request = {
      model: "chat",
      messages: [{ role: "user" as const, content: "Mend the file." }],
      max_tokens: 40,
      seed: 3,
      parallel_tool_calls: false,
      tools: [weather, patch],
      tool_choice: { type: "allowed_tools" as const, allowed_tools: allowed },
    };
    const { choices } = await client.chat.completions.create(request);
    const [call] = choices[0]?.message.tool_calls ?? [];
    if (call?.type !== "custom") expect.fail("There is no call of a custom tool.");
    expect(call.custom).toEqual({ name: "patch", input: expect.stringMatching(/^[^{]/) });
    const { choices: streamed } = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed[0]?.message.tool_calls).toMatchObject([{ type: "custom", custom: call.custom }]);
  });

  test("the SDK's error names the field of a custom tool that can't be enforced", async () => {
    const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });
    const offer = (grammar: { readonly syntax: "lark" | "regex"; readonly definition: string }) =>
      client.chat.completions.create({
        model: "chat",
        messages: [{ role: "user", content: "Hi" }],
        tools: [{ type: "custom", custom: { name: "t", format: { type: "grammar", grammar } } }],
      });
    await expect(offer({ syntax: "regex", definition: "(?<=a)b" })).rejects.toMatchObject({
      status: 400,
      param: "tools[0].custom.format.grammar.definition",
      message: expect.stringContaining("it looks behind"),
    });
    await expect(offer({ syntax: "lark", definition: 'start: "a"' })).rejects.toMatchObject({
      status: 400,
      param: "tools[0].custom.format.grammar.syntax",
    });
  });

  test("the AI SDK embeds many texts in their order", async () => {
    const values = Array.from({ length: 50 }, (_, index) => `Text ${index}`);
    const { embeddings, usage } = await embedMany({ model: vercel().embedding("words"), values });
    expect(embeddings).toHaveLength(values.length);
    expect(new Set(embeddings.map((vector) => vector.join())).size).toBe(values.length);
    expect(usage.tokens).toBeGreaterThan(values.length);
  });

  test("LangChain answers and streams the same text", async () => {
    const seeded = langchain().withConfig({ seed: 3 });
    const answer = await seeded.invoke(prompt);
    expect(answer.text).not.toBe("");
    expect(answer).toMatchObject({ usage_metadata: { output_tokens: expect.any(Number) } });
    let streamed = "";
    for await (const chunk of await seeded.stream(prompt)) streamed += chunk.text;
    expect(streamed).toBe(answer.text);
  });

  test("LangChain calls a tool and answers from its result", async () => {
    const bound = langchain().bindTools([weatherTool], { tool_choice: "weather" });
    const question = { role: "user", content: prompt };
    const asked = await bound.invoke([question]);
    const [call] = asked.tool_calls ?? [];
    expect(call?.name).toBe("weather");
    expect(weatherSchema.safeParse(call?.args).success).toBe(true);
    if (call === undefined) return;
    const result = await weatherTool.invoke({ ...call, type: "tool_call" });
    const answer = await langchain().invoke([question, asked, result]);
    expect(answer.text).not.toBe("");
  });

  test("LangChain accumulates the streamed call of a tool", async () => {
    const bound = langchain().bindTools([weatherTool], { tool_choice: "required" });
    const chunks = [];
    for await (const chunk of await bound.stream(prompt)) chunks.push(chunk);
    const [first, ...rest] = chunks;
    const whole = rest.reduce((sum, chunk) => sum?.concat(chunk), first);
    expect(weatherSchema.safeParse(whole?.tool_calls?.[0]?.args).success).toBe(true);
  });

  test.each(["jsonSchema", "functionCalling"] as const)("LangChain gets structured output by %s", async (method) => {
    const structured = langchain().withStructuredOutput(citySchema, { method, name: "city", strict: true });
    expect(citySchema.safeParse(await structured.invoke("Describe a city.")).success).toBe(true);
  });

  test("LangChain embeds documents in their order", async () => {
    const embeddings = new OpenAIEmbeddings({
      model: "words",
      apiKey: target.keys.key,
      configuration: { baseURL: target.baseUrl },
      batchSize: 2,
    });
    const texts = ["sea", "rain", "snow", "wind", "sun"];
    const vectors = await embeddings.embedDocuments(texts);
    const alone = await Promise.all(texts.map((text) => embeddings.embedQuery(text)));
    // The SDK behind it asks for base64, of which every bit arrives.
    expect(vectors).toEqual(alone);
  });
});
