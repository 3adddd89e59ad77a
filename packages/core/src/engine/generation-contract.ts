/** The contract of every generation, of any engine: the order of its events, collected into one result for tests. */

import { expect } from "vitest";
import { decodeAiError } from "../ai-error-data.ts";
import type {
  ChatEngine,
  ChatMessage,
  ChatToolCall,
  FinishReason,
  GenerationOptions,
  GenerationEvent,
  GenerationRequest,
  PlainText,
  PreparedPrompt,
  PreparedText,
  PromptLogprob,
  Sampling,
  TokenLogprob,
} from "./chat-engine.ts";
import { FREE_TEXT } from "./chat-output.ts";

export interface GenerationResult {
  readonly text: string;
  readonly deltas: readonly string[];
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoning: string;
  readonly reasoningTokens: number;
  readonly toolCalls: readonly Omit<ChatToolCall, "id">[];
  readonly logprobs: readonly TokenLogprob[];
  /** Null where the prompt was not scored. */
  readonly promptLogprobs: readonly PromptLogprob[] | null;
  readonly finishReason: FinishReason;
}

export const GREEDY: Sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repeatPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  logitBias: {},
};

type PlainField = "style" | "scoresPrompt" | "isReproducible" | "leaseId" | "shareId";

/** Nothing special: what a test does not say. Reproducible, because most tests compare texts. */
export const PLAIN: GenerationOptions & Pick<GenerationRequest, PlainField> = {
  sampling: GREEDY,
  output: FREE_TEXT,
  topLogprobs: null,
  style: "chat",
  scoresPrompt: false,
  isReproducible: true,
  leaseId: null,
  shareId: null,
};

const never = new AbortController().signal;

/** @throws AiError what `prepare` throws, and what it refuses. */
export async function prepareChat(
  engine: ChatEngine,
  messages: readonly ChatMessage[],
  options: Partial<GenerationOptions> = {},
): Promise<PreparedPrompt> {
  return requireHonoured(await engine.prepare({ messages, options: pickOptions(options) }, never));
}

/** The same for a text without a suffix. */
export async function prepareText(
  engine: ChatEngine,
  text: PlainText["text"],
  options: Partial<GenerationOptions> = {},
): Promise<PreparedText> {
  return requireHonoured(await engine.prepareText({ text, suffix: null, options: pickOptions(options) }, never));
}

function pickOptions({ sampling, output, topLogprobs }: Partial<GenerationOptions>): GenerationOptions {
  return {
    sampling: sampling ?? GREEDY,
    output: output ?? FREE_TEXT,
    topLogprobs: topLogprobs ?? null,
  };
}

function requireHonoured<Prompt extends PreparedPrompt>(prompt: Prompt): Prompt {
  if (prompt.refusal !== null) throw decodeAiError(prompt.refusal);
  return prompt;
}

/** Runs one generation to its end and checks the order of its events on the way. */
export async function collectGeneration(events: AsyncIterable<GenerationEvent>): Promise<GenerationResult> {
  const collected: GenerationEvent[] = [];
  for await (const event of events) {
    expect(structuredClone(event)).toEqual(event);
    collected.push(event);
  }
  const [start, ...rest] = collected;
  const end = rest.pop();
  if (start?.type !== "generation-start" || end?.type !== "generation-end") {
    throw new Error(`The generation began with ${start?.type} and ended with ${end?.type}.`);
  }
  const scored = rest[0]?.type === "prompt-end" ? rest[0].logprobs : null;
  if (scored !== null) rest.shift();
  const deltas: string[] = [];
  const logprobs: TokenLogprob[] = [];
  const toolCalls: { name: string; arguments: string }[] = [];
  let reasoning = "";
  let countBefore = 1;
  for (const event of rest) {
    if (event.type === "generation-start" || event.type === "prompt-end" || event.type === "generation-end") {
      throw new Error(`${event.type} came in the middle.`);
    }
    expect(event.completionTokens, "a delta has cost a token, and the count never falls").toBeGreaterThanOrEqual(
      countBefore,
    );
    countBefore = event.completionTokens;
    if ("text" in event) expect(event.text).not.toBe("");
    switch (event.type) {
      case "reasoning-delta":
        expect([deltas, toolCalls], "reasoning comes first").toEqual([[], []]);
        reasoning += event.text;
        break;
      case "text-delta":
        expect(toolCalls, "the answer comes before the calls").toEqual([]);
        deltas.push(event.text);
        logprobs.push(...(event.logprobs ?? []));
        break;
      case "tool-call-start":
        toolCalls.push({ name: event.name, arguments: "" });
        break;
      case "tool-call-delta": {
        const call = toolCalls.at(-1);
        if (call === undefined) throw new Error("Arguments came without a call.");
        call.arguments += event.text;
      }
    }
  }
  const { completionTokens, finishReason, reasoningTokens } = end;
  if (rest.length > 0) expect(completionTokens).toBeGreaterThanOrEqual(countBefore);
  expect(reasoningTokens).toBeLessThanOrEqual(completionTokens);
  const { cachedTokens } = start;
  const text = deltas.join("");
  return {
    text,
    deltas,
    cachedTokens,
    completionTokens,
    reasoning,
    reasoningTokens,
    toolCalls,
    logprobs,
    promptLogprobs: scored,
    finishReason,
  };
}
