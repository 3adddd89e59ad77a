/**
 * What a throw-away server has beside its models, so that a suite can see every behaviour: accounts with much, little and
 * no credit, one with a small rate limit, a model that is easily busy, and models whose upstreams fail. It never touches
 * a persistent store.
 */

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { FREE_OF_CHARGE, mintToken } from "@openai-compat/core";
import type { JwtSettings, RegisteredModel } from "@openai-compat/core";
import { createScriptedEngine, createUpstreamEngine } from "@openai-compat/engines";
import type { ConfigInput } from "../config.ts";
import type { Stores } from "../stores/stores.ts";
import { HABITS, answerByHabit, findHabit } from "./habitual-upstreams.ts";
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
const REQUESTS_PER_MINUTE = 3;
const AFFORDABLE_CALLS = 3;
const AFFORDABLE_TOKENS = 64;
const ONE_CALL_AND_A_HALF = 1.5;
/** One for each token of an answer, and nothing for a prompt, whose length differs from model to model. */
const MICRO_CREDITS_PER_TOKEN = 1;
const AMPLE_CREDIT = 1_000_000_000_000;
const BUSY = { id: "scripted/busy", concurrency: 2, waitingMax: 2, tokenDelayMs: 40 };
const UPSTREAM_SECRET = "upstream-secret-canary-4711";

/** Limits that no caller reaches, not even a suite that sends many bad requests. */
const NEVER_REACHED = { requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000, refusalsPerMinute: 1_000_000 };

/** Defaults of this mode: models that start soon and answer fast. */
export const THROWAWAY_DEFAULTS: Partial<ConfigInput> = { engines: "small" };

/** What the command line would say: tokens for this server alone, prices, and one account's limit. */
export const THROWAWAY_SETTINGS: Partial<ConfigInput> = {
  store: "memory",
  auth: { jwtIssuer: "openai-compat-throwaway", jwtAudience: "openai-compat" },
  prices: { ai_prompt: { perMillionOutputTokens: MICRO_CREDITS_PER_TOKEN * 1_000_000 } },
  rateLimits: { ...NEVER_REACHED, accounts: { [LIMITED_ACCOUNT]: { requestsPerMinute: REQUESTS_PER_MINUTE } } },
};

export interface Throwaway {
  /** To be listed after the server's own. */
  readonly models: readonly RegisteredModel[];
  /** Grants what the accounts have, and describes everything for a suite. */
  describe(target: ThrowawayTarget): Promise<TargetRecipe>;
  close(): Promise<void>;
}

export interface ThrowawayTarget extends TargetOptions {
  readonly stores: Stores;
  readonly bodyBytesMax: number;
}

/** @param nowMs when the models became available. @throws Error when no port of the loopback address can be had. */
export async function openThrowaway(nowMs: number): Promise<Throwaway> {
  const upstreams = await startFailingUpstreams();
  return {
    models: listModels(upstreams.port, nowMs),
    async describe(target) {
      await grantCredits(target.stores);
      const recipe = await createTargetRecipe(target);
      return {
        ...recipe,
        keys: { ...recipe.keys, ...(await mintMoreKeys(target.jwt)) },
        models: {
          ...recipe.models,
          upstream_down: "upstream/down",
          upstream_error: "upstream/error",
          upstream_breaks: "upstream/breaks",
          upstream_compressed: "upstream/compressed",
          upstream_late_usage: "upstream/late-usage",
          upstream_zero_usage: "upstream/zero-usage",
          upstream_unfinished: "upstream/unfinished",
        },
        fixtures: {
          small_credit: { affordable_calls: AFFORDABLE_CALLS, max_tokens: AFFORDABLE_TOKENS },
          rate_limited: { requests_per_minute: REQUESTS_PER_MINUTE },
          overload: { model: BUSY.id, concurrency: BUSY.concurrency, waiting_max: BUSY.waitingMax },
          upstream_secret: UPSTREAM_SECRET,
          body_bytes_max: target.bodyBytesMax,
        },
      };
    },
    close: () => upstreams.close(),
  };
}

/** A port that the system never gives away and nobody listens on (RFC 863, discard). */
const CLOSED_PORT = 9;

function listModels(port: number, nowMs: number): readonly RegisteredModel[] {
  const connect = (path: string, ofPort = port) =>
    createUpstreamEngine({
      baseUrls: [`http://127.0.0.1:${ofPort}/${path}/v1`],
      model: "failing",
      operations: ["createChatCompletion"],
      apiKey: UPSTREAM_SECRET,
      // They are there to fail, each time anew.
      breakerFailuresMax: Number.MAX_SAFE_INTEGER,
    });
  const waitTimeMsMax = 60_000;
  const define = (id: string, engine: RegisteredModel["engine"], waitingMax = 64): RegisteredModel => ({
    id,
    name: id,
    type: "chat",
    ownedBy: engine.type === "relay" ? "upstream" : "scripted",
    createdAtMs: nowMs,
    contextTokens: engine.limits.contextTokens,
    engine,
    // The suite has one account, and reckons with every slot.
    queue: { waitingMax, waitTimeMsMax, accountSlotsMax: engine.limits.concurrency },
    prices: FREE_OF_CHARGE,
    isDefault: false,
  });
  const { id, concurrency, tokenDelayMs, waitingMax } = BUSY;
  return [
    define("scripted/with-slash", createScriptedEngine()),
    define(id, createScriptedEngine({ concurrency, tokenDelayMs }), waitingMax),
    define("upstream/down", connect("down", CLOSED_PORT)),
    define("upstream/error", connect("error")),
    define("upstream/breaks", connect("breaks")),
    ...HABITS.map((habit) => define(`upstream/${habit}`, connect(habit))),
  ];
}

async function grantCredits({ credits }: Stores): Promise<void> {
  const priceOfCall = AFFORDABLE_TOKENS * MICRO_CREDITS_PER_TOKEN;
  const amounts = [
    [SUITE_ACCOUNT, AMPLE_CREDIT],
    [DEFAULT_ACCOUNT, AMPLE_CREDIT],
    [LIMITED_ACCOUNT, AMPLE_CREDIT],
    [OTHER_ACCOUNT, AMPLE_CREDIT],
    [SMALL_ACCOUNT, AFFORDABLE_CALLS * priceOfCall],
    [STREAM_ACCOUNT, ONE_CALL_AND_A_HALF * priceOfCall],
    [LEFT_ACCOUNT, ONE_CALL_AND_A_HALF * priceOfCall],
  ] as const;
  for (const [accountId, amount] of amounts) {
    await credits.grant({ id: `throwaway ${accountId}`, accountId, amount, note: "for a suite", nowMs: Date.now() });
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
  return {
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

async function startFailingUpstreams(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer(failUpstream);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The failing upstreams listen on no TCP port.");
  return {
    port: address.port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const BEFORE_BREAKING_MS = 50;

/** Paths below `/breaks` begin a stream and drop it, those of a habit work; all others answer with a web page that holds a secret. */
function failUpstream(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const habit = findHabit(incoming.url);
  if (habit !== null) {
    // A client that is gone gets no answer.
    answerByHabit(habit, incoming, outgoing).catch(() => outgoing.destroy());
    return;
  }
  incoming.resume();
  if (incoming.url?.startsWith("/breaks/") !== true) {
    outgoing.writeHead(500, { "content-type": "text/html" });
    outgoing.end(`<html><body><h1>Internal Server Error</h1><pre>key=${UPSTREAM_SECRET}</pre></body></html>`);
    return;
  }
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  const choices = [{ index: 0, delta: { role: "assistant", content: "This is where" }, finish_reason: null }];
  const chunk = { id: "chatcmpl-breaks", object: "chat.completion.chunk", created: 1, model: "failing", choices };
  outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
  setTimeout(() => outgoing.destroy(), BEFORE_BREAKING_MS);
}
