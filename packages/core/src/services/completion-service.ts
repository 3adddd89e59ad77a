/**
 * Completions between admission and engine: fits every prompt into the model's context, runs one generation per
 * candidate and merges them into one stream of events.
 */

import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { decodeAiError } from "../ai-error-data.ts";
import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type { UsageUnits } from "../usage.ts";
import type {
  ChatEngine,
  GenerationEvent,
  GenerationRequest,
  PlainText,
  PreparedText,
  PromptLogprob,
  Sampling,
} from "../engine/chat-engine.ts";
import { FREE_TEXT } from "../engine/chat-output.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { CostEstimate } from "../pipeline.ts";
import type { ChatUsage } from "./chat-request.ts";
import { keepBest } from "./best-candidates.ts";
import type { CompletionChoiceEvent, CompletionEvent, CompletionRequest, CompletionRun } from "./completion-request.ts";
import {
  CHARACTERS_PER_TOKEN_MAX,
  contextLengthExceeded,
  knownContextTokens,
  learnContextTokens,
} from "./context-length.ts";
import { withLease } from "./model-lease.ts";
import { mergeGenerations } from "./merge-streams.ts";
import type { TaggedGeneration } from "./merge-streams.ts";
import { buildSampling, isReproducible, shiftSeed } from "./sampling.ts";

/** Texts of one call, those included that are not the best. More is a batch, not a call. */
const COMPLETION_TEXTS_MAX = 1024;
/** Tokens of all echoes of one call. An echo costs nothing to make, so only this bounds how large an answer can be. */
const ECHO_TOKENS_MAX = 2 ** 18;
/** The same for echoes with log probabilities: each token is reported with up to five others. */
const SCORED_ECHO_TOKENS_MAX = 2 ** 16;

/** Prompts that the model can take: tokenised, and with nothing left to refuse. */
interface PreparedCompletion {
  readonly engine: ChatEngine;
  readonly request: CompletionRequest;
  readonly prompts: readonly PreparedText[];
  /** Of each prompt's first candidate; each further one adds one to the seed. */
  readonly sampling: Sampling;
}

/** Texts that go on with texts. */
export const completionCalls = defineCalls({
  operation: "createCompletion",
  isServedBy: (engine) => engine.type === "chat",
  prepare: prepareCompletion,
  estimate: estimateCompletion,
  run: runCompletion,
  start: async (events, _prepared, facts): Promise<CompletionRun> => ({
    ...facts,
    id: `cmpl-${randomBytes(16).toString("hex")}`,
    events,
  }),
});

/**
 * @throws AiError `context_length_exceeded`, `invalid_value` for too many texts or too much to echo, and what the
 * engine refuses
 */
async function prepareCompletion(
  engine: ChatEngine,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<PreparedCompletion> {
  const known = knownContextTokens(engine);
  const texts = request.prompts.length * request.candidates;
  if (texts > COMPLETION_TEXTS_MAX) {
    const message = `The prompts and their choices make ${texts} texts; at most ${COMPLETION_TEXTS_MAX} may be asked for at once.`;
    throw new AiError("invalid_value", message, { param: "prompt" });
  }
  for (const text of request.prompts) {
    const atLeast = countAtLeast(text) + countAtLeast(request.suffix ?? "");
    if (atLeast > known) throw tooLong(known, `more than ${atLeast} tokens`);
  }
  const sampling = buildSampling(request, engine.recommendedSampling);
  const options = { sampling, output: FREE_TEXT, topLogprobs: request.topLogprobs };
  const prompts: PreparedText[] = [];
  for (const text of request.prompts) {
    // A prompt may take tens of milliseconds, and there may be many.
    await nextTurn();
    const prompt = await engine.prepareText({ text, suffix: request.suffix, options }, signal);
    const { contextTokens } = prompt;
    learnContextTokens(engine, contextTokens);
    const room = contextTokens - prompt.tokens.length;
    if (room < Math.min(1, request.tokensMax)) throw tooLong(contextTokens, `${prompt.tokens.length} tokens`);
    prompts.push(prompt);
  }
  refuseLongEcho(request, prompts);
  for (const { refusal } of prompts) if (refusal !== null) throw decodeAiError(refusal);
  return { engine, request, prompts, sampling };
}

function refuseLongEcho({ echo, choices, topLogprobs }: CompletionRequest, prompts: readonly PreparedText[]): void {
  const tokens = choices * prompts.reduce((sum, prompt) => sum + prompt.tokens.length, 0);
  const tokensMax = topLogprobs === null ? ECHO_TOKENS_MAX : SCORED_ECHO_TOKENS_MAX;
  if (!echo || tokens <= tokensMax) return;
  const scored = topLogprobs === null ? "" : " with their log probabilities";
  const message = `The choices would echo ${tokens} tokens; at most ${tokensMax} may be echoed${scored} at once.`;
  throw new AiError("invalid_value", message, { param: "echo" });
}

function countAtLeast(text: PlainText["text"]): number {
  return typeof text === "string" ? Math.floor(text.length / CHARACTERS_PER_TOKEN_MAX) : text.length;
}

/**
 * The most that the call can use: its prompts, known exactly, and for every candidate all the tokens that it may
 * sample.
 */
function estimateCompletion({ request, prompts }: PreparedCompletion): CostEstimate {
  const inputTokens = prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const ofOneEach = prompts.reduce((sum, prompt) => sum + limitTokens(request, prompt), 0);
  const outputTokens = ofOneEach * request.candidates;
  const maxUsage = { ...NO_USAGE, inputTokens, outputTokens };
  return { maxUsage, expectedTokens: inputTokens + outputTokens, streamed: request.stream, relaxed: [] };
}

function limitTokens(request: CompletionRequest, prompt: PreparedText): number {
  return Math.min(request.tokensMax, prompt.contextTokens - prompt.tokens.length);
}

function tooLong(contextTokens: number, found: string): AiError {
  return contextLengthExceeded({ contextTokens, found: `your prompt resulted in ${found}`, param: "prompt" });
}

/** Runs an admitted completion, each text in a slot of its own. */
async function* runCompletion(
  call: AdmittedCall<RegisteredModel>,
  completion: PreparedCompletion,
): AsyncGenerator<CompletionEvent, void> {
  const { choices, candidates, topLogprobs } = completion.request;
  const tally = createTally(completion);
  // Not all of its texts are begun at once: the model must not be evicted before the last.
  const written = withLease(completion.engine, call.signal, (leaseId) =>
    writeCandidates(call, { ...completion, leaseId, shareId: call.principal.accountId }, tally),
  );
  if (candidates === choices) yield* written;
  else yield* keepBest(written, { choices, candidates, tellsLogprobs: topLogprobs !== null });
  yield { type: "completion-end", usage: tally.usage() };
}

interface Candidate {
  readonly index: number;
  /** Among those of its prompt. */
  readonly position: number;
  readonly promptIndex: number;
  readonly prompt: PreparedText;
  readonly scoresPrompt: boolean;
}

type LeasedCompletion = PreparedCompletion & Pick<GenerationRequest, "leaseId" | "shareId">;

async function* writeCandidates(
  call: AdmittedCall<RegisteredModel>,
  completion: LeasedCompletion,
  tally: Tally,
): AsyncGenerator<CompletionChoiceEvent, void> {
  const { engine, request } = completion;
  const options = { signal: call.signal, slots: call.slots, engine, concurrency: engine.limits.concurrency };
  /** By prompt, once it has been scored. */
  const scores: PromptScores = new Map();
  for (const generations of planGenerations(completion)) {
    for await (const { tag: candidate, event } of mergeGenerations(generations, options)) {
      tally.count(candidate, event);
      if (event.type !== "generation-start") call.meter.report(tally.units());
      if (event.type === "prompt-end")
        scores.set(candidate.promptIndex, selectScores(candidate.prompt, event.logprobs));
      const mapped = mapEvent(candidate, event, { echo: request.echo, scores });
      if (mapped !== null) yield mapped;
    }
  }
}

/**
 * In rounds, each of which begins when the one before has ended. To score a prompt is to read all of it, so it is done
 * once, with its first text; the others come after that.
 */
function planGenerations(completion: LeasedCompletion): readonly (readonly TaggedGeneration<Candidate>[])[] {
  const { prompts, request } = completion;
  const isScored = request.echo && request.topLogprobs !== null;
  const generations = prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: request.candidates }, (_, position) => {
      const index = promptIndex * request.candidates + position;
      const scoresPrompt = isScored && position === 0;
      const candidate = { index, position, promptIndex, prompt, scoresPrompt };
      return { tag: candidate, request: buildGeneration(completion, candidate) };
    }),
  );
  if (!isScored) return [generations];
  const first = generations.filter(({ tag }) => tag.scoresPrompt);
  return [first, generations.filter(({ tag }) => !tag.scoresPrompt)];
}

function buildGeneration(
  { request, sampling, leaseId, shareId }: LeasedCompletion,
  { position, prompt, scoresPrompt }: Candidate,
): GenerationRequest {
  const isJudged = request.candidates > request.choices;
  return {
    prompt: { tokens: prompt.tokens },
    leaseId,
    shareId,
    style: "text",
    output: FREE_TEXT,
    // The best candidates are known by their probabilities.
    topLogprobs: request.topLogprobs ?? (isJudged ? 0 : null),
    scoresPrompt,
    isReproducible: isReproducible(request),
    tokensMax: limitTokens(request, prompt),
    stop: request.stop,
    // Not by the index: among others a prompt has the texts that it has alone.
    sampling: shiftSeed(sampling, position),
  };
}

type PromptScores = Map<number, readonly PromptLogprob[]>;

/** Of the tokens of the prompt's text. */
function selectScores(prompt: PreparedText, logprobs: readonly PromptLogprob[]): readonly PromptLogprob[] {
  const [first, ...rest] = logprobs.slice(prompt.textStart, prompt.textEnd);
  // OpenAI's answer has none for the first, also where a token was put before it.
  return first === undefined ? [] : [{ ...first, logprob: null, top: [] }, ...rest];
}

function mapEvent(
  { index, promptIndex, prompt, scoresPrompt }: Candidate,
  event: GenerationEvent,
  { echo, scores }: { readonly echo: boolean; readonly scores: PromptScores },
): CompletionChoiceEvent | null {
  const logprobs = scores.get(promptIndex) ?? null;
  switch (event.type) {
    case "generation-start":
      // A scored prompt is reported with its scores.
      return echo && !scoresPrompt ? { type: "prompt-delta", index, text: prompt.text, logprobs } : null;
    case "prompt-end":
      return { type: "prompt-delta", index, text: prompt.text, logprobs };
    case "text-delta":
      return { type: "text-delta", index, text: event.text, logprobs: event.logprobs ?? null };
    case "generation-end":
      return { type: "choice-end", index, finishReason: event.finishReason };
    case "reasoning-delta":
    case "tool-call-start":
    case "tool-call-delta":
      throw new AiError("internal", `A completion has no ${event.type}.`);
  }
}

/** What the call has used so far. */
interface Tally {
  count(candidate: Candidate, event: GenerationEvent): void;
  units(): UsageUnits;
  usage(): ChatUsage;
}

function createTally({ prompts }: PreparedCompletion): Tally {
  const promptsRead = new Set<number>();
  /** By candidate. */
  const tokensOf = new Map<number, number>();
  let promptTokens = 0;
  let cachedTokens = 0;
  let completionTokens = 0;
  return {
    count({ index, promptIndex }, event) {
      if (event.type === "prompt-end") return;
      if (event.type !== "generation-start") {
        completionTokens += event.completionTokens - (tokensOf.get(index) ?? 0);
        tokensOf.set(index, event.completionTokens);
      } else if (!promptsRead.has(promptIndex)) {
        promptsRead.add(promptIndex);
        promptTokens += prompts[promptIndex]?.tokens.length ?? 0;
        cachedTokens += event.cachedTokens;
      }
    },
    units: () => ({ ...NO_USAGE, inputTokens: promptTokens, cachedTokens, outputTokens: completionTokens }),
    usage: () => ({ promptTokens, cachedTokens, completionTokens, reasoningTokens: 0 }),
  };
}
