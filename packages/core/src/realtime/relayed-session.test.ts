import { operations } from "@openai-compat/spec";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type { UpstreamEngine } from "../engine/upstream-engine.ts";
import type {
  RealtimeFrame,
  UpstreamRealtime,
  UpstreamRealtimeFrame,
  UpstreamRealtimeRequest,
} from "../engine/upstream-realtime.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { NO_USAGE } from "../usage.ts";
import { createHandover } from "./handover.ts";
import type { OpenRelayOptions, RelayedSession } from "./relayed-session.ts";
import type { RelayEvent } from "./upstream-relay.ts";

const LIMITS = {
  sessionMsMax: 3_600_000,
  idleMsMax: 600_000,
  bufferMsMax: 30_000,
  turnMsMax: 60_000,
  holdMs: 1000,
  credentialCheckMs: 30_000,
};

/** A session whose frames are numbers: each is so many milliseconds, and all that was sent counts as used. */
function createFakeUpstream() {
  const frames = createHandover<UpstreamRealtimeFrame>();
  const sent: string[] = [];
  const requests: UpstreamRealtimeRequest[] = [];
  const failures: AiError[] = [];
  let encodedMs = 0;
  let usedMs = 0;
  let isClosed = false;
  async function* read(): AsyncGenerator<UpstreamRealtimeFrame, void> {
    yield* frames.events;
    const failure = failures[0];
    if (failure !== undefined) throw failure;
  }
  const session: UpstreamRealtime = {
    encode({ event }) {
      if (event["type"] === "bad") throw new AiError("model_not_found", "No such model.", { param: "session.model" });
      encodedMs += Number(event["ms"] ?? 0);
      return JSON.stringify(event);
    },
    async send(text) {
      if (failures[0] !== undefined) throw failures[0];
      sent.push(text);
    },
    frames: read(),
    usage: (isBroken) => ({ units: { ...NO_USAGE, audioMs: isBroken ? 0 : usedMs }, source: "reported" }),
    maxUsage: () => ({ ...NO_USAGE, audioMs: encodedMs }),
    counts: () => ({ turns: 1, failedTurns: 0, receivedMs: encodedMs }),
    close() {
      isClosed = true;
      frames.end();
    },
  };
  return {
    session,
    sent,
    requests,
    add: (text: string) => frames.add({ type: "upstream-frame", text }),
    endWith: (code: number, reason: string) => void frames.add({ type: "upstream-close", code, reason }),
    failWith(error: AiError) {
      failures.push(error);
      frames.end();
    },
    use: (ms: number) => void (usedMs = ms),
    isClosed: () => isClosed,
  };
}

function createTestService(granted = 1_000_000, refusal: AiError | null = null) {
  const upstream = createFakeUpstream();
  const engine: UpstreamEngine = {
    type: "upstream",
    limits: { contextTokens: 10, completionTokensMax: 10, concurrency: 2 },
    operations: new Set(["createTranscription"]),
    bridgesResponses: true,
    async *forward() {},
    async connectRealtime(request) {
      upstream.requests.push(request);
      if (refusal !== null) throw refusal;
      return upstream.session;
    },
    upstreams: () => [],
    close: async () => {},
  };
  const records: CallRecord[] = [];
  const credits = createFakeCreditStore(granted);
  const service = createAiService({
    registry: createModelRegistry([
      {
        id: "far",
        name: "Far",
        type: "transcription",
        ownedBy: "upstream",
        createdAtMs: 0,
        isDefault: true,
        engine,
        prices: { ...FREE_OF_CHARGE, perMinuteOfAudio: 60_000 },
        queue: { waitingMax: 1, waitTimeMsMax: 1000 },
      },
    ]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const authorise = () => authoriseTestCall(operations.connectRealtime);
  const tryOpen = (options: Partial<OpenRelayOptions> = {}) =>
    service.openRelay(authorise(), {
      intent: "transcription",
      model: null,
      transcriptionModel: null,
      path: "/realtime",
      update: null,
      traceParent: null,
      authoriseTurn: async () => authorise(),
      limits: LIMITS,
      ...options,
    });
  const open = async (options: Partial<OpenRelayOptions> = {}): Promise<RelayedSession> => {
    const session = await tryOpen(options);
    if (session === null) throw new Error("The session is local.");
    return session;
  };
  return { service, upstream, records, credits, open, tryOpen };
}

const frame = (event: Record<string, unknown>): RealtimeFrame => ({ text: JSON.stringify(event), event });
const audio = (ms: number) => frame({ type: "audio", ms });

async function collect(session: RelayedSession): Promise<RelayEvent[]> {
  const events: RelayEvent[] = [];
  for await (const event of session.outputs) events.push(event);
  return events;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("frames pass both ways, and the upstream's close ends the session, which is paid for as used", async () => {
  const { upstream, records, credits, open } = createTestService();
  const session = await open({ model: "far", intent: "model", traceParent: "trace" });
  expect(upstream.requests).toEqual([{ path: "/realtime", intent: "model", modelId: "far", traceParent: "trace" }]);
  const collected = collect(session);
  await session.receive(audio(400));
  await upstream.add("one");
  upstream.use(300);
  upstream.endWith(4000, "done");
  expect(await collected).toEqual([
    { type: "frame", text: "one" },
    { type: "end", reason: "upstream", error: null, close: { code: 4000, reason: "done" } },
  ]);
  await session.close("disconnected");
  expect(upstream.sent).toEqual(['{"type":"audio","ms":400}']);
  expect(records).toMatchObject([
    { operationId: "connectRealtime", outcome: "completed", usageSource: "reported", chargedAmount: 300 },
  ]);
  expect(session.counts).toEqual({ turns: 1, failedTurns: 0, receivedMs: 400, heardMs: 300 });
  expect(credits.holds.size).toBe(0);
  expect(upstream.isClosed()).toBe(true);
});

test("credits are held ahead of what is sent, and what they don't cover is not sent", async () => {
  const { upstream, records, credits, open } = createTestService(2500);
  const session = await open();
  const collected = collect(session);
  await session.receive(audio(900));
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([1000]);
  await session.receive(audio(200));
  // What is missing, and a stretch more.
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([1000, 1100]);
  upstream.use(1100);
  await session.receive(audio(1500));
  expect(upstream.sent).toHaveLength(2);
  const [told, end] = await collected;
  expect(told).toMatchObject({ type: "error", error: { code: "quota_exceeded" }, causedBy: null });
  expect(end).toMatchObject({ type: "end", reason: "quota", error: { code: "quota_exceeded" } });
  await session.close("disconnected");
  expect(records).toMatchObject([{ outcome: "quota_exceeded", chargedAmount: 1100 }]);
  expect(credits.holds.size).toBe(0);
});

test("an account without credits opens none, and a refusal of the upstream costs nothing", async () => {
  await expect(createTestService(0).open()).rejects.toMatchObject({ code: "quota_exceeded" });
  const refusal = new AiError("not_implemented", "No sessions here.");
  const { open, records, credits } = createTestService(1_000_000, refusal);
  await expect(open()).rejects.toBe(refusal);
  expect(records).toMatchObject([{ outcome: "not_implemented", chargedAmount: 0 }]);
  expect(credits.holds.size).toBe(0);
});

test("a frame that is refused is answered with its id, and the session goes on", async () => {
  const { upstream, open } = createTestService();
  const session = await open();
  const outputs = session.outputs[Symbol.asyncIterator]();
  void session.receive(frame({ type: "bad", event_id: "mine" }));
  expect((await outputs.next()).value).toEqual({
    type: "error",
    error: { code: "model_not_found", message: "No such model.", param: "session.model" },
    causedBy: "mine",
  });
  void outputs.next();
  await session.receive(audio(1));
  expect(upstream.sent).toHaveLength(1);
  await session.close("disconnected");
});

test("a caller that sends refused frames and reads nothing is not read any further", async () => {
  const { open } = createTestService();
  const session = await open();
  const second = vi.fn();
  void session
    .receive(frame({ type: "bad" }))
    .then(() => session.receive(frame({ type: "bad" })))
    .then(second);
  await vi.advanceTimersByTimeAsync(1000);
  expect(second).not.toHaveBeenCalled();
  await session.close("disconnected");
  await vi.advanceTimersByTimeAsync(0);
  expect(second).toHaveBeenCalled();
});

test("an upstream is read no faster than its caller reads", async () => {
  const { upstream, open } = createTestService();
  const session = await open();
  const taken = vi.fn();
  void upstream.add("one");
  void upstream.add("two").then(taken);
  await vi.advanceTimersByTimeAsync(1000);
  expect(taken).not.toHaveBeenCalled();
  const outputs = session.outputs[Symbol.asyncIterator]();
  for (const text of ["one", "two"]) expect((await outputs.next()).value).toEqual({ type: "frame", text });
  await session.close("disconnected");
});

test("an upstream that breaks off is reported and ends the session, and its caller pays for no more than it got", async () => {
  const { upstream, records, open } = createTestService();
  const session = await open();
  const collected = collect(session);
  await session.receive(audio(500));
  upstream.use(500);
  await upstream.add("one");
  upstream.failWith(new AiError("upstream_failed", "It broke."));
  expect((await collected).slice(1)).toMatchObject([
    { type: "error", error: { code: "upstream_failed" }, causedBy: null },
    { type: "end", reason: "failed", close: null },
  ]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ outcome: "upstream_failed", chargedAmount: 0 }]);
});

test.each([
  ["lasts too long", { sessionMsMax: 1000 }, "expired", "session_expired"],
  ["gets nothing for too long", { idleMsMax: 1000 }, "idle", "session_idle"],
] as const)("a session that %s gets an error and ends", async (_name, limits, reason, code) => {
  const { upstream, open } = createTestService();
  const session = await open({ limits: { ...LIMITS, ...limits } });
  const collected = collect(session);
  await vi.advanceTimersByTimeAsync(999);
  await session.receive(audio(1));
  expect(upstream.sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await collected).toMatchObject([
    { type: "error", error: { code } },
    { type: "end", reason },
  ]);
  expect(upstream.isClosed()).toBe(true);
});

test("a credential that is refused later ends the session, one that can't be examined does not", async () => {
  let answer = new AiError("identity_unavailable", "Not now.");
  const authoriseTurn = () => Promise.reject(answer);
  const { open } = createTestService();
  const session = await open({ authoriseTurn });
  const collected = collect(session);
  await vi.advanceTimersByTimeAsync(LIMITS.credentialCheckMs);
  await session.receive(audio(1));
  answer = new AiError("invalid_credentials", "It has expired.");
  await vi.advanceTimersByTimeAsync(LIMITS.credentialCheckMs);
  expect(await collected).toMatchObject([
    { type: "error", error: { code: "invalid_credentials" } },
    { type: "end", reason: "credential" },
  ]);
});

test("a caller that disconnects gets no event and pays for what was used; one that is shut down gets an error", async () => {
  const { upstream, records, open, service } = createTestService();
  const left = await open();
  const collected = collect(left);
  await left.receive(audio(700));
  upstream.use(700);
  await left.close("disconnected");
  expect(await collected).toEqual([{ type: "end", reason: "disconnected", error: null, close: null }]);
  expect(records).toMatchObject([{ chargedAmount: 700 }]);

  const other = createTestService();
  const told = collect(await other.open());
  await other.service.close();
  expect(await told).toMatchObject([{ error: { code: "shutting_down" } }, { type: "end", reason: "shutting-down" }]);
  await expect(other.open()).rejects.toMatchObject({ code: "shutting_down" });
  await service.close();
});

test("what a session is asked for to begin with is sent first", async () => {
  const { upstream, open } = createTestService();
  const session = await open({ update: frame({ type: "session.update" }) });
  await session.receive(audio(1));
  expect(upstream.sent).toEqual(['{"type":"session.update"}', '{"type":"audio","ms":1}']);
  await session.close("disconnected");
});

test("a session is an upstream's where the first model that is named is", async () => {
  const { tryOpen } = createTestService();
  for (const names of [
    { model: "far" },
    { model: "unknown" },
    { transcriptionModel: "Far" },
    { transcriptionModel: "default" },
  ]) {
    const session = await tryOpen(names);
    expect(session).not.toBeNull();
    await session?.close("disconnected");
  }
});
