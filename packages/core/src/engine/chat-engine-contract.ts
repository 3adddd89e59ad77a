/**
 * The suite that every chat engine passes, whatever runs behind it. It knows the interface only; what is special to one
 * engine is tested beside that engine.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { createClonedChatEngine } from "../testing/cloned-engine.ts";
import type { ChatEngine, ChatMessage, GenerationRequest, PlainText, Sampling } from "./chat-engine.ts";
import { GREEDY, PLAIN, collectGeneration, prepareChat, prepareText } from "./generation-contract.ts";
import type { GenerationResult } from "./generation-contract.ts";

export { GREEDY, PLAIN, collectGeneration, prepareChat, prepareText };
export type { GenerationResult };

export interface ChatEngineContractOptions {
  /** A fresh engine with room for at least two generations and 512 tokens; the suite closes it. */
  readonly createEngine: () => ChatEngine | Promise<ChatEngine>;
  /** The greedy answer to this has at least 40 tokens and 40 characters. */
  readonly longPrompt: readonly ChatMessage[];
}

const never = new AbortController().signal;

/**
 * Registers the suite, for the engine as it is and behind structured clones. The engine of most tests is shared, so they also see what
 * earlier ones left behind.
 */
export function chatEngineContract(name: string, options: ChatEngineContractOptions): void {
  const createEngine = async () => createClonedChatEngine(await options.createEngine());
  registerSuite(name, options);
  registerSuite(`${name} behind clones`, { ...options, createEngine });
}

function registerSuite(name: string, options: ChatEngineContractOptions): void {
  let engine: ChatEngine;
  beforeAll(async () => {
    engine = await options.createEngine();
  });
  afterAll(async () => {
    await engine.close();
  });
  const suite: Suite = {
    name,
    options,
    engine: () => engine,
    ask: async (content, overrides) => ask(engine, [{ role: "user", content }], overrides),
    talk: async (overrides) => ask(engine, options.longPrompt, overrides),
  };
  testPrompts(suite);
  testTexts(suite);
  testLimits(suite);
  testDeterminism(suite);
  testAborts(suite);
  testSlots(suite);
  testClose(suite);
}

type Overrides = Partial<Omit<GenerationRequest, "prompt" | "sampling">> & { readonly sampling?: Partial<Sampling> };

interface Suite {
  readonly name: string;
  readonly options: ChatEngineContractOptions;
  readonly engine: () => ChatEngine;
  readonly ask: (content: string, overrides?: Overrides) => Promise<GenerationResult>;
  readonly talk: (overrides?: Overrides) => Promise<GenerationResult>;
}

async function buildRequest(
  engine: ChatEngine,
  messages: readonly ChatMessage[],
  overrides: Overrides = {},
): Promise<GenerationRequest> {
  const options = { ...overrides, sampling: { ...GREEDY, ...overrides.sampling } };
  const prompt = await prepareChat(engine, messages, options);
  return { ...PLAIN, prompt, tokensMax: 32, stop: [], ...options };
}

async function ask(
  engine: ChatEngine,
  messages: readonly ChatMessage[],
  overrides?: Overrides,
): Promise<GenerationResult> {
  return collectGeneration(engine.generate(await buildRequest(engine, messages, overrides), never));
}

function testPrompts({ name, engine, ask: askUser }: Suite): void {
  test(`${name}: a prompt is a list of token ids that survives a structured clone`, async () => {
    const prompt = await prepareChat(engine(), [{ role: "user", content: "Hello there" }]);
    expect(prompt.tokens.length).toBeGreaterThan(0);
    expect(prompt.tokens.every((token) => Number.isSafeInteger(token) && token >= 0)).toBe(true);
    expect(structuredClone(prompt)).toEqual(prompt);
  });

  test(`${name}: the same conversation is the same prompt, a longer one a longer prompt`, async () => {
    const short: ChatMessage[] = [{ role: "user", content: "Hello there" }];
    const first = await prepareChat(engine(), short);
    expect(await prepareChat(engine(), short)).toEqual(first);
    const long: ChatMessage[] = [...short, { role: "assistant", content: "Hi." }, { role: "user", content: "Why?" }];
    expect((await prepareChat(engine(), long)).tokens.length).toBeGreaterThan(first.tokens.length);
  });

  test(`${name}: every role and a tool call can be rendered`, async () => {
    const { tokens } = await prepareChat(engine(), [
      { role: "system", content: "Use tools." },
      { role: "user", content: "Is it raining?", name: "ada" },
      { role: "assistant", content: "", toolCalls: [{ id: "call_1", name: "weather", arguments: "{broken" }] },
      { role: "tool", content: "no", toolCallId: "call_1" },
    ]);
    expect(tokens.length).toBeGreaterThan(0);
  });

  test(`${name}: different prompts get different texts`, async () => {
    const [cats, rain] = [await askUser("Tell me of cats."), await askUser("Does it rain in London?")];
    expect(cats.text).not.toBe(rain.text);
  });
}

async function goOn(
  engine: ChatEngine,
  text: PlainText["text"],
  overrides: Overrides = {},
): Promise<GenerationResult & { readonly tokens: readonly number[] }> {
  const prompt = await prepareText(engine, text);
  const sampling = { ...GREEDY, ...overrides.sampling };
  const request = { ...PLAIN, prompt, style: "text" as const, tokensMax: 16, stop: [], ...overrides, sampling };
  return { ...(await collectGeneration(engine.generate(request, never))), tokens: prompt.tokens };
}

function testTexts({ name, engine }: Suite): void {
  const text = "The sea is wide, and the";

  test(`${name}: a text becomes tokens whose texts join to it, and those tokens are the same prompt`, async () => {
    const prompt = await prepareText(engine(), text);
    expect(prompt.text).toBe(text);
    expect(structuredClone(prompt)).toEqual(prompt);
    const own = prompt.tokens.slice(prompt.textStart, prompt.textEnd);
    expect((await prepareText(engine(), own)).text.trimStart()).toBe(text);
    expect((await goOn(engine(), prompt.tokens)).text).toBe((await goOn(engine(), text)).text);
  });

  test(`${name}: an empty text is the beginning of a document`, async () => {
    const prompt = await prepareText(engine(), "");
    expect(prompt).toMatchObject({ tokens: { length: 1 }, text: "", textStart: 1, textEnd: 1 });
    expect((await goOn(engine(), "")).completionTokens).toBeGreaterThan(0);
  });

  test(`${name}: a token that the model does not have is refused`, async () => {
    const refused = prepareText(engine(), [1, 2 ** 50]);
    await expect(refused).rejects.toMatchObject({ code: "invalid_value", param: "prompt" });
  });

  test(`${name}: with a limit of 0 tokens, nothing is sampled`, async () => {
    expect(await goOn(engine(), text, { tokensMax: 0 })).toMatchObject({
      text: "",
      completionTokens: 0,
      finishReason: "length",
    });
  });

  test(`${name}: the tokens of a prompt are reported with their probabilities, and the text is the same as without`, async () => {
    const scored = await goOn(engine(), text, { scoresPrompt: true, topLogprobs: 3 });
    expect(scored.text).toBe((await goOn(engine(), text, { topLogprobs: 3 })).text);
    const [first, ...rest] = scored.promptLogprobs ?? [];
    expect(scored.promptLogprobs).toHaveLength(scored.tokens.length);
    expect(first).toMatchObject({ logprob: null, top: [] });
    for (const { logprob, top } of rest) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(3);
    }
    const alone = await goOn(engine(), text, { scoresPrompt: true, topLogprobs: 3, tokensMax: 0 });
    expect(alone.promptLogprobs).toEqual(scored.promptLogprobs);
    // All of the prompt has been read before, and was read again.
    expect([scored.cachedTokens, alone.cachedTokens]).toEqual([0, 0]);
  });
}

function testLimits({ name, options, engine, talk }: Suite): void {
  test(`${name}: deltas are whole code points and the answer stops at the token limit`, async () => {
    const answer = await talk({ tokensMax: 32 });
    expect(answer.deltas.every((delta) => delta.isWellFormed())).toBe(true);
    expect(answer.completionTokens).toBe(32);
    expect(answer.finishReason).toBe("length");
  });

  test(`${name}: a limit of one token samples one token`, async () => {
    const answer = await talk({ tokensMax: 1 });
    expect(answer).toMatchObject({ completionTokens: 1, finishReason: "length" });
  });

  test(`${name}: the text ends before a stop string, of which no delta holds a part`, async () => {
    const { text } = await talk({ tokensMax: 40 });
    const characters = Array.from(text);
    const stop = characters.slice(12, 17).join("");
    const answer = await talk({ tokensMax: 40, stop: ["never in this text", stop] });
    expect(answer.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(answer.finishReason).toBe("stop");
    expect(answer.completionTokens).toBeLessThanOrEqual(40);
  });

  test(`${name}: a stop string that never appears changes nothing`, async () => {
    const free = await talk({ tokensMax: 24 });
    const watched = await talk({ tokensMax: 24, stop: ["\u0000never\u0000", `${free.text}!`] });
    expect(watched.text).toBe(free.text);
    expect(watched.finishReason).toBe("length");
  });

  test(`${name}: what does not fit the context is refused`, async () => {
    const request = await buildRequest(engine(), options.longPrompt, { tokensMax: engine().limits.contextTokens });
    const run = collectGeneration(engine().generate(request, never));
    await expect(run).rejects.toMatchObject({ name: "AiError", code: "context_length_exceeded" });
  });
}

function testDeterminism({ name, engine, talk }: Suite): void {
  const seeded: Overrides = { tokensMax: 16, sampling: { temperature: 1, seed: 42 } };

  test(`${name}: the same seed gives the same text, other seeds give others`, async () => {
    const first = await talk(seeded);
    expect((await talk(seeded)).text).toBe(first.text);
    const others = [];
    for (let seed = 0; seed < 6; seed += 1) {
      others.push((await talk({ tokensMax: 16, sampling: { temperature: 1, seed } })).text);
    }
    expect(new Set(others).size).toBeGreaterThan(1);
  });

  test(`${name}: a text does not depend on what runs beside it`, async () => {
    const questions = Array.from({ length: 8 }, (_, index): ChatMessage[] => [
      { role: "user", content: `Question ${index}: ${"why ".repeat(index * 5)}?` },
    ]);
    const overrides = questions.map((_, index): Overrides => ({
      tokensMax: 16,
      sampling: { temperature: index % 2, seed: index },
    }));
    const alone = [];
    for (const [index, messages] of questions.entries()) {
      alone.push((await ask(engine(), messages, overrides[index])).text);
    }
    const together = await Promise.all(
      questions.map(async (messages, index) => (await ask(engine(), messages, overrides[index])).text),
    );
    expect(together).toEqual(alone);
  });

  test(`${name}: a prompt seen before is counted as cached and answered the same`, async () => {
    const long: ChatMessage[] = [{ role: "user", content: "Tell me a very long story of the sea. ".repeat(10) }];
    const { tokens } = await prepareChat(engine(), long);
    const first = await ask(engine(), long, { tokensMax: 16 });
    const second = await ask(engine(), long, { tokensMax: 16 });
    expect(second.text).toBe(first.text);
    expect(second.cachedTokens).toBeGreaterThan(0);
    expect(second.cachedTokens).toBeLessThan(tokens.length);
  });
}

function testAborts({ name, options, engine, talk }: Suite): void {
  const gone = new AiError("cancelled", "gone");

  test(`${name}: an aborted signal starts nothing`, async () => {
    const signal = AbortSignal.abort(gone);
    await expect(engine().prepare({ messages: options.longPrompt, options: PLAIN }, signal)).rejects.toBe(gone);
    const request = await buildRequest(engine(), options.longPrompt);
    await expect(collectGeneration(engine().generate(request, signal))).rejects.toBe(gone);
  });

  test(`${name}: an abort while the prompt is read ends the generation with the signal's reason`, async () => {
    const before = await talk();
    const long: ChatMessage[] = [{ role: "user", content: "long words here ".repeat(20) }];
    const request = await buildRequest(engine(), long, { tokensMax: 40 });
    const controller = new AbortController();
    const generation = collectGeneration(engine().generate(request, controller.signal));
    setImmediate(() => controller.abort(gone));
    await expect(generation).rejects.toBe(gone);
    expect((await talk()).text).toBe(before.text);
  });

  test(`${name}: an abort while tokens are sampled ends the generation with the signal's reason`, async () => {
    const controller = new AbortController();
    const request = await buildRequest(engine(), options.longPrompt, { tokensMax: 40 });
    const drain = async () => {
      for await (const event of engine().generate(request, controller.signal)) {
        if (event.type === "text-delta") controller.abort(gone);
      }
    };
    await expect(drain()).rejects.toBe(gone);
  });
}

function testSlots({ name, options, engine, talk }: Suite): void {
  test(`${name}: ending the iteration early frees the slot`, async () => {
    const before = await talk();
    for (let round = 0; round <= engine().limits.concurrency; round += 1) {
      const request = await buildRequest(engine(), options.longPrompt, { tokensMax: 40 });
      for await (const event of engine().generate(request, never)) if (event.type === "text-delta") break;
    }
    expect((await talk()).text).toBe(before.text);
  });

  test(`${name}: more generations than slots all end, and one that aborts while queued leaves the queue`, async () => {
    const { concurrency } = engine().limits;
    const request = await buildRequest(engine(), options.longPrompt, { tokensMax: 40 });
    const holders = Array.from({ length: concurrency }, () =>
      engine().generate(request, never)[Symbol.asyncIterator](),
    );
    await Promise.all(holders.map(async (events) => events.next()));
    const controller = new AbortController();
    const impatient = collectGeneration(engine().generate(request, controller.signal));
    const patient = collectGeneration(engine().generate(request, never));
    controller.abort(new Error("gone"));
    await expect(impatient).rejects.toThrow("gone");
    await Promise.all(holders.map(async (events) => events.return?.()));
    expect((await patient).completionTokens).toBe(40);
  });
}

function testClose({ name, options }: Suite): void {
  test(`${name}: close lets a running generation end, and later calls load again`, async () => {
    const engine = await options.createEngine();
    const request = await buildRequest(engine, options.longPrompt, { tokensMax: 24 });
    const events = engine.generate(request, never)[Symbol.asyncIterator]();
    await events.next();
    const order: string[] = [];
    const closed = engine.close().then(() => order.push("closed"));
    let last = await events.next();
    while (last.done !== true && last.value.type !== "generation-end") last = await events.next();
    order.push("ended");
    await events.next();
    await closed;
    expect(order).toEqual(["ended", "closed"]);
    expect((await ask(engine, options.longPrompt)).text).not.toBe("");
    await engine.close();
    await engine.close();
  });
}
