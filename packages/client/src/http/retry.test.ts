/** Retries under a fake clock: how often, after which waits, and what ends them. */

import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ClientError, createClient } from "../index.ts";
import type { ClientOptions } from "../index.ts";

const LIST = { object: "list", data: [] };

// Loading the shapes takes real time.
beforeAll(async () => void (await import("../v1/schemas.ts")));
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Outcome = Error | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

/** @param outcomes one for each attempt; then an answer. */
function createTestClient(outcomes: readonly Outcome[], options: Partial<ClientOptions> = {}) {
  const startedMs: number[] = [];
  const authorizations: (string | null)[] = [];
  const client = createClient({
    baseURL: "http://server.test/v1",
    fetch: async (_url, init) => {
      const outcome = outcomes[startedMs.length] ?? { status: 200 };
      startedMs.push(Date.now());
      authorizations.push(new Headers(init.headers).get("authorization"));
      if (outcome instanceof Error) throw outcome;
      const body = outcome.status === 200 ? LIST : { error: { message: "No.", type: "t", code: "c", param: null } };
      return Response.json(body, { status: outcome.status, headers: { ...outcome.headers } });
    },
    ...options,
  });
  const waits = () => startedMs.slice(1).map((at, index) => at - (startedMs[index] ?? 0));
  return { client, waits, authorizations };
}

/** Runs a call while the clock goes on. */
async function settle<Result>(call: Promise<Result>): Promise<Result | ClientError> {
  const settled = call.catch((error: unknown) => {
    if (error instanceof ClientError) return error;
    throw error;
  });
  await vi.advanceTimersByTimeAsync(300_000);
  return settled;
}

test("waits grow and are jittered in full, and the last failure is the call's", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const { client, waits } = createTestClient(
    Array.from({ length: 9 }, () => ({ status: 503 })),
    {
      retry: { attempts: 5, firstDelayMs: 100, delayMsMax: 300 },
    },
  );
  expect(await settle(client.v1.listModels())).toMatchObject({ kind: "api", status: 503, code: "c", retryable: true });
  expect(waits()).toEqual([50, 100, 150, 150]);
});

test("a lost connection is retried, and so is what the server says may be", async () => {
  const lost = new TypeError("fetch failed", { cause: new Error("read ECONNRESET") });
  for (const outcome of [lost, { status: 408 }, { status: 409 }, { status: 429 }, { status: 500 }]) {
    const { client, waits } = createTestClient([outcome]);
    expect(await settle(client.v1.listModels())).toEqual(LIST);
    expect(waits()).toHaveLength(1);
  }
  const told = createTestClient([{ status: 400, headers: { "x-should-retry": "true" } }]);
  expect(await settle(told.client.v1.listModels())).toEqual(LIST);
});

test("what can't succeed is not retried", async () => {
  const refusals: Outcome[] = [
    { status: 400 },
    { status: 401 },
    { status: 404 },
    { status: 501 },
    { status: 429, headers: { "x-should-retry": "false" } },
  ];
  for (const outcome of refusals) {
    const { client, waits } = createTestClient([outcome], { token: "sk-fixed" });
    expect(await settle(client.v1.listModels())).toMatchObject({ kind: "api", retryable: false });
    expect(waits()).toEqual([]);
  }
});

test("the wait that a server asks for is never cut short, in any of its spellings", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 7000);
  for (const [headers, least, most] of [
    [{ "retry-after-ms": "1234.5" }, 1234, 1235],
    [{ "retry-after": "20" }, 20_000, 20_000],
    [{ "retry-after": at.toUTCString() }, 6000, 8000],
  ] as const) {
    const { client, waits } = createTestClient([{ status: 429, headers }]);
    vi.setSystemTime(at.getTime() - 7000);
    expect(await settle(client.v1.listModels())).toEqual(LIST);
    expect(waits()[0]).toBeGreaterThanOrEqual(least);
    expect(waits()[0]).toBeLessThanOrEqual(most);
  }
});

test("a wait beyond the budget of a call ends it at once", async () => {
  const { client, waits } = createTestClient([{ status: 429, headers: { "retry-after": "61" } }]);
  const failed = await settle(client.v1.listModels());
  expect(failed).toMatchObject({ status: 429, retryable: true, retryAfterMs: 61_000 });
  expect(waits()).toEqual([]);
});

test("all calls of a client share the retries in a row that it has", async () => {
  const { client, waits } = createTestClient(
    Array.from({ length: 100 }, () => ({ status: 500 })),
    {
      retry: { attempts: 10, tokensMax: 3, firstDelayMs: 0 },
    },
  );
  await settle(client.v1.listModels());
  await settle(client.v1.listModels());
  expect(waits()).toHaveLength(1 + 3);
});

test("calls that succeed give retries back", async () => {
  const failure = { status: 500 };
  const { client, waits } = createTestClient([failure, { status: 200 }, { status: 200 }, failure], {
    retry: { tokensMax: 1, tokensPerSuccess: 0.5, firstDelayMs: 0 },
  });
  for (let call = 0; call < 3; call += 1) expect(await settle(client.v1.listModels())).toEqual(LIST);
  expect(waits()).toHaveLength(4);
});

test("an abort ends the wait for the next attempt", async () => {
  const controller = new AbortController();
  const { client, waits } = createTestClient([{ status: 429, headers: { "retry-after": "50" } }]);
  const call = settle(client.v1.listModels({}, { signal: controller.signal }));
  setTimeout(() => controller.abort(new Error("enough")), 1000);
  expect(await call).toMatchObject({ kind: "aborted", cause: expect.objectContaining({ message: "enough" }) });
  expect(waits()).toEqual([]);
});

test("a function gives the token of each attempt, and a refused one is replaced once", async () => {
  const token = vi.fn(({ isRefused }: { readonly isRefused: boolean }) => (isRefused ? "fresh" : "stale"));
  const { client, authorizations } = createTestClient([{ status: 500 }, { status: 401 }], { token });
  expect(await settle(client.v1.listModels())).toEqual(LIST);
  expect(authorizations).toEqual(["Bearer stale", "Bearer stale", "Bearer fresh"]);
  const refused = createTestClient([{ status: 401 }, { status: 401 }], { token, retry: { attempts: 1 } });
  expect(await settle(refused.client.v1.listModels())).toMatchObject({ status: 401 });
  expect(refused.authorizations).toEqual(["Bearer stale", "Bearer fresh"]);
});

test("a token function that fails or never returns ends the call", async () => {
  const failing = createTestClient([], { token: async () => Promise.reject(new Error("no session")) });
  expect(await settle(failing.client.v1.listModels())).toMatchObject({ kind: "invalid-request", code: "token_failed" });
  const silent = createTestClient([], { token: () => new Promise(() => {}), timeoutMs: 1000, retry: { attempts: 1 } });
  expect(await settle(silent.client.v1.listModels())).toMatchObject({ kind: "timeout" });
});

test("options that can't be used are refused when the client is made", () => {
  const baseURL = "http://server.test/v1";
  for (const options of [
    { baseURL: "server.test" },
    { baseURL: "ftp://server.test" },
    { baseURL: "http://ada:secret@server.test/v1" },
    { baseURL: "http://server.test/v1?key=1" },
    { baseURL, timeoutMs: 0 },
    { baseURL, timeoutMs: Number.NaN },
    { baseURL, retry: { attempts: 0 } },
    { baseURL, retry: { budgetMs: -1 } },
  ]) {
    let thrown: unknown = null;
    try {
      createClient(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ kind: "invalid-request" });
    expect(String(thrown)).not.toContain("secret");
  }
});
