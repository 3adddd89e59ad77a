/**
 * No work is unpaid: generated requests to upstreams with the habits of real ones. Whatever an upstream reports, its
 * call was held for at least as much and is charged at least as much.
 */

import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";

const CONTEXT_TOKENS = 256;
/** What a template of the upstream adds to each prompt. */
const TEMPLATE_TOKENS = 20;
const TINY_PIECE = "a ";

interface Habit {
  readonly reports: "own chunk" | "last choice" | "running" | "never" | "zeros";
  /** Which name of a chat's limit it knows. Those of a completion have one. */
  readonly limitName: "max_tokens" | "max_completion_tokens";
  /** What else it reads as a limit: it takes the largest number that it finds. */
  readonly limitNames: readonly string[];
  /** Then it may write until its context is full, and is paid for what was held alone. */
  readonly ignoresLimit: boolean;
  readonly answerNames: readonly string[];
  readonly answerTokens: number;
  readonly countsPromptForEachAnswer: boolean;
  readonly breaksAfter: number | null;
}

const habits = fc.record<Habit>({
  reports: fc.constantFrom("own chunk", "last choice", "running", "never", "zeros"),
  limitName: fc.constantFrom("max_tokens", "max_completion_tokens"),
  limitNames: fc.subarray(["n_predict", "max_new_tokens", "num_predict"]),
  ignoresLimit: fc.boolean(),
  answerNames: fc.subarray(["n", "best_of", "num_return_sequences", "candidate_count"], { minLength: 1 }),
  answerTokens: fc.nat({ max: 400 }),
  countsPromptForEachAnswer: fc.boolean(),
  breaksAfter: fc.option(fc.nat({ max: 30 }), { freq: 5, nil: null }),
});

const text = fc.oneof(
  fc.string({ maxLength: 300, unit: fc.constantFrom("a", "é", "海", " ") }),
  fc.constant("abcdefghij".repeat(100)),
);
const ids = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 400 });
const limits = fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined });
const requests = fc.record({
  path: fc.constantFrom("chat/completions", "completions"),
  stream: fc.boolean(),
  includeUsage: fc.boolean(),
  prompts: fc.array(fc.oneof(text, ids), { minLength: 1, maxLength: 5 }),
  max_tokens: limits,
  max_completion_tokens: limits,
  n: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  best_of: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  n_predict: limits,
  max_new_tokens: limits,
  num_return_sequences: limits,
  options: fc.option(fc.record({ num_predict: limits }), { nil: undefined }),
  disconnectsAfter: fc.option(fc.nat({ max: 20 }), { nil: null }),
});
type Generated = typeof requests extends fc.Arbitrary<infer Value> ? Value : never;

type Body = Readonly<Record<string, unknown>>;

function encodeBody({ path, prompts, includeUsage, disconnectsAfter: _disconnects, ...fields }: Generated): Body {
  const content = prompts.map((prompt) => (typeof prompt === "string" ? prompt : prompt.join(" "))).join(" ");
  const input = path === "completions" ? { prompt: prompts } : { messages: [{ role: "user", content }] };
  const options = fields.stream ? { stream_options: { include_usage: includeUsage } } : {};
  return { model: "far", ...input, ...options, ...fields };
}

/** An upstream's own tokenizer at its worst: a byte is a token. */
function countPrompt(body: Body): number {
  const measure = (item: unknown) => (Array.isArray(item) ? item.length : Buffer.byteLength(String(item)));
  const { prompt, messages } = body;
  const list = Array.isArray(prompt) ? prompt : [JSON.stringify(messages)];
  return list.reduce<number>((sum, item) => sum + Math.min(measure(item) + TEMPLATE_TOKENS, CONTEXT_TOKENS), 0);
}

function readLargest(body: Body, names: readonly string[]): number | null {
  const nested = typeof body["options"] === "object" ? body["options"] : {};
  const found = names.flatMap((name) => [body[name], Reflect.get(nested ?? {}, name)]);
  const numbers = found.filter((value) => typeof value === "number");
  return numbers.length === 0 ? null : Math.max(...numbers);
}

interface Plan {
  readonly choices: number;
  readonly tokens: number;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
}

function planAnswer(body: Body, habit: Habit): Plan {
  const prompts = Array.isArray(body["prompt"]) ? body["prompt"].length : 1;
  const answers = readLargest(body, habit.answerNames) ?? 1;
  const name = body["messages"] === undefined ? "max_tokens" : habit.limitName;
  const limit = habit.ignoresLimit ? null : readLargest(body, [name, ...habit.limitNames]);
  const max = Math.min(limit ?? CONTEXT_TOKENS, CONTEXT_TOKENS);
  const tokens = Math.min(habit.answerTokens, max);
  const promptTokens = countPrompt(body) * (habit.countsPromptForEachAnswer ? answers : 1);
  const completionTokens = tokens * prompts * answers;
  return {
    choices: typeof body["n"] === "number" ? prompts * body["n"] : prompts,
    tokens,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

const ZEROS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

function encodeReport({ reports }: Habit, usage: Plan["usage"]): object {
  if (reports === "never") return {};
  return { usage: reports === "zeros" ? ZEROS : usage };
}

async function answerStream(outgoing: ServerResponse, body: Body, habit: Habit): Promise<void> {
  const { choices, tokens, usage } = planAnswer(body, habit);
  const isChat = body["messages"] !== undefined;
  const write = (fields: object) =>
    outgoing.write(`data: ${JSON.stringify({ id: "x", model: "theirs", ...fields })}\n\n`);
  const say = (index: number, content: string, reason: string | null) =>
    isChat ? { index, delta: { content }, finish_reason: reason } : { index, text: content, finish_reason: reason };
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  for (let step = 0; step < tokens; step += 1) {
    if (step === habit.breaksAfter) return void outgoing.destroy();
    const running = habit.reports === "running" ? { usage: { ...usage, completion_tokens: step + 1 } } : {};
    for (let index = 0; index < choices; index += 1) write({ choices: [say(index, TINY_PIECE, null)], ...running });
    await nextTurn();
    if (outgoing.destroyed) return;
  }
  for (let index = 0; index < choices; index += 1) {
    const isReport = habit.reports === "last choice" && index === choices - 1;
    write({ choices: [say(index, "", "stop")], ...(isReport ? { usage } : {}) });
  }
  await nextTurn();
  if (habit.reports !== "last choice") write({ choices: [], ...encodeReport(habit, usage) });
  outgoing.end("data: [DONE]\n\n");
}

function answerWhole(outgoing: ServerResponse, body: Body, habit: Habit): void {
  const { choices, tokens, usage } = planAnswer(body, habit);
  const said = TINY_PIECE.repeat(tokens);
  const list = Array.from({ length: choices }, (_, index) => ({
    index,
    ...(body["messages"] === undefined ? { text: said } : { message: { role: "assistant", content: said } }),
    finish_reason: "stop",
  }));
  outgoing.writeHead(200, { "content-type": "application/json" });
  outgoing.end(JSON.stringify({ id: "x", model: "theirs", choices: list, ...encodeReport(habit, usage) }));
}

/** @returns whether it took the answer to its end, or saw all choices finish */
async function takeAnswer(response: Response, request: Generated, choices: number): Promise<boolean> {
  let seen = "";
  for await (const bytes of response.body ?? []) {
    seen += Buffer.from(bytes).toString("utf8");
    const finished = seen.split('"finish_reason":"').length - 1;
    if (request.disconnectsAfter !== null && seen.split("\n\n").length > request.disconnectsAfter)
      return finished >= choices;
  }
  return !seen.includes('"error"');
}

test(
  "the hold covers what an upstream can report, and the charge what it does report",
  { timeout: 120_000 },
  async () => {
    let habit: Habit | null = null;
    let asked: Body | null = null;
    const baseUrl = await startUpstream(async (incoming, outgoing) => {
      const body: Body = JSON.parse(await readBody(incoming));
      asked = body;
      if (habit === null) throw new Error("No habit was chosen.");
      if (body["stream"] === true) await answerStream(outgoing, body, habit);
      else answerWhole(outgoing, body, habit);
    });
    const gateway = await startGateway({ baseUrls: [baseUrl], contextTokens: CONTEXT_TOKENS, usageWaitMs: 20_000 });
    const { credits } = gateway.stores;
    await credits.grant({ id: "more", accountId: "ada", amount: 1e12, note: "tests", nowMs: 1 });
    const hold = vi.spyOn(credits, "hold");
    const settled = async () => vi.waitFor(async () => expect((await credits.readBalance("ada")).held).toBe(0), 20_000);

    await fc.assert(
      fc.asyncProperty(requests, habits, async (request, chosen) => {
        habit = chosen;
        asked = null;
        hold.mockClear();
        const before = (await credits.readBalance("ada")).balance;
        const disconnect = new AbortController();
        const response = await fetch(`${gateway.baseUrl}/${request.path}`, {
          method: "POST",
          headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
          body: JSON.stringify(encodeBody(request)),
          signal: disconnect.signal,
        });
        if (asked === null) throw new Error(`It did not reach the upstream: ${await response.text()}`);
        const plan = planAnswer(asked, chosen);
        const isWhole = await takeAnswer(response, request, plan.choices);
        disconnect.abort();
        await settled();
        const charged = before - (await credits.readBalance("ada")).balance;
        const held = hold.mock.calls[0]?.[0].amount ?? 0;
        if (!chosen.ignoresLimit) expect(held).toBeGreaterThanOrEqual(plan.usage.total_tokens);
        expect(charged).toBeLessThanOrEqual(held);
        if (!isWhole) return;
        const promptBytes = Buffer.byteLength(request.prompts.filter((prompt) => typeof prompt === "string").join(""));
        const isReported = chosen.reports !== "never" && chosen.reports !== "zeros";
        const due = isReported ? plan.usage.total_tokens : Math.floor(promptBytes / 4);
        expect(charged).toBeGreaterThanOrEqual(Math.min(due, held));
      }),
      { numRuns: 150 },
    );
  },
);
