/**
 * What an ephemeral conformance target has beside its models, so that a suite can see every behaviour: accounts with
 * much, little and no credit, one with a small rate limit, a model that is easily busy, and models whose upstreams
 * fail. It never touches a persistent store.
 */

import { BILLED_AS, FREE_OF_CHARGE, mintToken } from "@openai-compat/core";
import type { JwtSettings, RegisteredModel } from "@openai-compat/core";
import type { ConfigInput } from "../config.ts";
import type { EngineKind, TargetModels } from "../engine-kinds/engine-kind.ts";
import { listEngineKinds } from "../engine-kinds/index.ts";
import type { Stores } from "../stores/stores.ts";
import { EVERY_CAPABILITY, SUITE_ACCOUNT, createTargetRecipe } from "./ready-file.ts";
import type { TargetOptions, TargetRecipe } from "./ready-file.ts";

/** Of the key that is printed at the start. */
const DEFAULT_ACCOUNT = "default";
const POOR_ACCOUNT = "suite-poor";
const SMALL_ACCOUNT = "suite-small";
const STREAM_ACCOUNT = "suite-stream";
const LEFT_ACCOUNT = "suite-left";
const LIMITED_ACCOUNT = "suite-limited";
const OTHER_ACCOUNT = "suite-other";
/** Each pays for a few calls of an operation other than chat: the suite spends it there and nowhere else. */
const SPENT_ACCOUNTS = {
  completions_credit: { accountId: "suite-completions", amount: 100 },
  completions_stream_credit: { accountId: "suite-completions-stream", amount: 100 },
  responses_credit: { accountId: "suite-responses", amount: 100 },
  responses_stream_credit: { accountId: "suite-responses-stream", amount: 100 },
  embeddings_credit: { accountId: "suite-embeddings", amount: 2300 },
  transcriptions_credit: { accountId: "suite-transcriptions", amount: 250 },
  transcriptions_stream_credit: { accountId: "suite-transcriptions-stream", amount: 250 },
  translations_credit: { accountId: "suite-translations", amount: 250 },
  speech_credit: { accountId: "suite-speech", amount: 700 },
  speech_stream_credit: { accountId: "suite-speech-stream", amount: 700 },
  // Two seconds that are said live.
  realtime_credit: { accountId: "suite-realtime", amount: 2200 },
} as const;
const REQUESTS_PER_MINUTE = 3;
const AFFORDABLE_CALLS = 3;
const AFFORDABLE_TOKENS = 16;
const ONE_CALL_AND_A_HALF = 1.5;
/**
 * One for each token of an answer, and of what becomes a vector, and for each character that is spoken; nothing for a
 * prompt, whose length differs from model to model.
 */
const MICRO_CREDITS_PER_TOKEN = 1;
const AMPLE_CREDIT = 1_000_000_000_000;

/** A tenth of a second costs a hundred. */
const MICRO_CREDITS_PER_MINUTE = 60_000;

/** Limits that no caller reaches, not even a suite that sends many bad requests. */
const NEVER_REACHED = { requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000, refusalsPerMinute: 1_000_000 };

/** Defaults of this mode: models that start soon and answer fast. */
export const EPHEMERAL_DEFAULTS: Partial<ConfigInput> = { engines: "small" };

const PRICES = {
  ai_prompt: { perMillionOutputTokens: MICRO_CREDITS_PER_TOKEN * 1_000_000 },
  ai_embedding: { perMillionInputTokens: MICRO_CREDITS_PER_TOKEN * 1_000_000 },
  ai_transcription: { perMinuteOfAudio: MICRO_CREDITS_PER_MINUTE },
  ai_tts: { perMillionCharacters: MICRO_CREDITS_PER_TOKEN * 1_000_000 },
};

/** What the command line would say: tokens for this server alone, prices, and one account's limit. */
export const EPHEMERAL_SETTINGS: Partial<ConfigInput> = {
  store: "memory",
  auth: { jwtIssuer: "openai-compat-throwaway", jwtAudience: "openai-compat" },
  prices: PRICES,
  // Credits for a second at a time: what is held for half a minute would be more than a few turns cost.
  realtime: { holdMs: 1000 },
  // A small model that does not stop by itself would write for half a minute.
  responses: { compactionTokensMax: 64 },
  rateLimits: { ...NEVER_REACHED, accounts: { [LIMITED_ACCOUNT]: { requestsPerMinute: REQUESTS_PER_MINUTE } } },
};

export interface EphemeralTarget {
  /** To be listed after the server's own. */
  readonly models: readonly RegisteredModel[];
  /** Describes everything for a suite. */
  describe(target: EphemeralTargetOptions): Promise<TargetRecipe>;
  close(): Promise<void>;
}

export interface EphemeralTargetOptions extends TargetOptions {
  readonly bodyBytesMax: number;
}

export interface EphemeralTargetParts {
  readonly stores: Stores;
  /** When the models became available. */
  readonly nowMs: number;
}

/**
 * Opens the models of a suite and grants its accounts, and the account of the key that a first start prints, what they
 * have. @throws Error when no port of the loopback address can be had.
 */
export async function openEphemeralTarget({ stores, nowMs }: EphemeralTargetParts): Promise<EphemeralTarget> {
  const opened = await openTargetModels();
  await grantCredits(stores, nowMs);
  return {
    models: opened.flatMap(({ kind, target }) => target.models.map((model) => describeModel(model, kind, nowMs))),
    async describe(target) {
      const recipe = await createTargetRecipe(target);
      const recipes = opened.map(({ target: { recipe: ofKind } }) => ofKind);
      return {
        ...recipe,
        keys: { ...recipe.keys, ...(await mintMoreKeys(target.jwt)) },
        // What a kind offers stands in for what the server does not have.
        models: Object.assign({}, ...recipes.map(({ models }) => models), recipe.models),
        fixtures: Object.assign(
          {
            small_credit: { affordable_calls: AFFORDABLE_CALLS, max_tokens: AFFORDABLE_TOKENS },
            rate_limited: { requests_per_minute: REQUESTS_PER_MINUTE },
            body_bytes_max: target.bodyBytesMax,
          },
          ...recipes.map(({ fixtures }) => fixtures),
        ),
      };
    },
    async close() {
      await Promise.all(opened.map(({ target }) => target.close()));
    },
  };
}

interface OpenedKind {
  readonly kind: EngineKind;
  readonly target: TargetModels;
}

async function openTargetModels(): Promise<readonly OpenedKind[]> {
  const opened: OpenedKind[] = [];
  for (const kind of listEngineKinds()) {
    const target = await kind.openTargetModels?.();
    if (target !== undefined) opened.push({ kind, target });
  }
  return opened;
}

const WAITING_MAX = 64;
const WAIT_TIME_MS_MAX = 60_000;

function describeModel(
  { id, engine, waitingMax = WAITING_MAX, isPaid = false }: TargetModels["models"][number],
  { ownedBy }: EngineKind,
  nowMs: number,
): RegisteredModel {
  const { concurrency } = engine.limits;
  // An upstream of the suite is asked for chats.
  const type = engine.type === "upstream" ? "chat" : engine.type;
  return {
    id,
    name: id,
    type,
    ownedBy,
    createdAtMs: nowMs,
    engine,
    // The suite has one account, and reckons with every slot.
    queue: { waitingMax, waitTimeMsMax: WAIT_TIME_MS_MAX, accountSlotsMax: concurrency },
    prices: isPaid ? { ...FREE_OF_CHARGE, ...PRICES[BILLED_AS[type]] } : FREE_OF_CHARGE,
    isDefault: false,
  };
}

async function grantCredits({ credits }: Stores, nowMs: number): Promise<void> {
  const priceOfCall = AFFORDABLE_TOKENS * MICRO_CREDITS_PER_TOKEN;
  const amounts = [
    [SUITE_ACCOUNT, AMPLE_CREDIT],
    [DEFAULT_ACCOUNT, AMPLE_CREDIT],
    [LIMITED_ACCOUNT, AMPLE_CREDIT],
    [OTHER_ACCOUNT, AMPLE_CREDIT],
    [SMALL_ACCOUNT, AFFORDABLE_CALLS * priceOfCall],
    [STREAM_ACCOUNT, ONE_CALL_AND_A_HALF * priceOfCall],
    [LEFT_ACCOUNT, ONE_CALL_AND_A_HALF * priceOfCall],
    ...Object.values(SPENT_ACCOUNTS).map(({ accountId, amount }) => [accountId, amount] as const),
  ] as const;
  for (const [accountId, amount] of amounts) {
    await credits.grant({ id: `throwaway ${accountId}`, accountId, amount, note: "for a suite", nowMs });
  }
}

const LIFETIME_SECONDS = 86_400;
const HOUR_SECONDS = 3600;

async function mintMoreKeys(settings: JwtSettings): Promise<Readonly<Record<string, string>>> {
  const options = {
    settings,
    accountId: SUITE_ACCOUNT,
    appName: "suite",
    capabilities: EVERY_CAPABILITY,
    expiresInSeconds: LIFETIME_SECONDS,
  };
  const spent: Record<string, string> = {};
  for (const [key, { accountId }] of Object.entries(SPENT_ACCOUNTS)) {
    spent[key] = await mintToken({ ...options, accountId });
  }
  return {
    ...spent,
    not_yet_valid: await mintToken({ ...options, notBeforeInSeconds: HOUR_SECONDS }),
    wrong_audience: await mintToken({ ...options, settings: { ...settings, audience: "another-service" } }),
    wrong_issuer: await mintToken({ ...options, settings: { ...settings, issuer: "another-issuer" } }),
    no_credit: await mintToken({ ...options, accountId: POOR_ACCOUNT }),
    small_credit: await mintToken({ ...options, accountId: SMALL_ACCOUNT }),
    stream_credit: await mintToken({ ...options, accountId: STREAM_ACCOUNT }),
    left_credit: await mintToken({ ...options, accountId: LEFT_ACCOUNT }),
    rate_limited: await mintToken({ ...options, accountId: LIMITED_ACCOUNT }),
    other_account: await mintToken({ ...options, accountId: OTHER_ACCOUNT }),
  };
}
