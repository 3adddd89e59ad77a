/**
 * What a check holds while it runs: SDK clients and wire requests bound to one target, all recorded, all torn down at
 * the check's end. It knows nothing about outcomes.
 */

import type OpenAI from "openai";
import type {
  CheckContext,
  Credential,
  RealtimeRequest,
  SdkOptions,
  SdkOutcome,
  SharedKey,
  SharedRun,
  WireRequest,
} from "./check-context.ts";
import type { Exchange, RecordedRequest } from "./exchange.ts";
import { describeThrown } from "./expect.ts";
import { ExchangeRecording, RECORDED_BYTES_MAX } from "./exchange-recording.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { DEFAULT_SDK, type OfficialSdk } from "./official-sdk.ts";
import { Inconclusive, isSignal, NotTestable } from "./outcome-signals.ts";
import type { AnswerLoan, Recorded } from "./shared-answers.ts";
import { openRealtime } from "./open-realtime.ts";
import type { RealtimeConnection } from "./realtime-connection.ts";
import { createRecordingFetch } from "./recorder.ts";
import type { FixtureName, Fixtures, KeyName, Target } from "./target.ts";
import { sendWireRequest } from "./wire-transport.ts";

export interface CheckContextOptions {
  readonly target: Target;
  /** Aborted at the check's time limit and at its end. */
  readonly signal: AbortSignal;
  /** Default: the newest. */
  readonly officialSdk?: OfficialSdk | undefined;
  /** Default `RECORDED_BYTES_MAX`. */
  readonly recordedBytesMax?: number | undefined;
  /** Default half of a check's usual time limit. */
  readonly patienceMs?: number | undefined;
  /** Default: what is made is for this check alone. */
  readonly run?: SharedRun | undefined;
  /** Answers that need not be asked for. Default: none. */
  readonly loan?: AnswerLoan | undefined;
  /** Called when something of an answer has come, and when it has ended. Default: not at all. */
  readonly onProgress?: ((recording: ExchangeRecording) => void) | undefined;
  /** Called with each answered request before its check goes on. Default: not at all. */
  readonly onAnswer?: ((exchange: Exchange) => void) | undefined;
  /** Called before each request; it is sent when what it returns resolves. Default: at once. */
  readonly beforeSend?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** A context, and what crossed the wire through it so far. */
export interface RecordedContext {
  readonly context: CheckContext;
  /** In the order sent, as they stand now. */
  readonly exchanges: () => readonly Exchange[];
}

/** Of a check's time limit: the rest is for the check to report that, and for a plain request at the same time. */
export const PATIENCE_SHARE = 0.5;

/** The SDK's own limit is out of the way, so that only the runner's applies: one day. */
const SDK_TIMEOUT_MS = 24 * 60 * 60 * 1000;

export function createCheckContext(options: CheckContextOptions): RecordedContext {
  const { target, signal, onProgress } = options;
  const recordedBytesMax = options.recordedBytesMax ?? RECORDED_BYTES_MAX;
  const patienceMs = options.patienceMs ?? DEFAULT_LIMITS.checkTimeoutMs * PATIENCE_SHARE;
  const officialSdk = options.officialSdk ?? DEFAULT_SDK;
  const run: SharedRun = options.run ?? {};
  const views: (() => Exchange)[] = [];

  async function sdk<T>(call: (client: OpenAI) => Promise<T>, sdkOptions: SdkOptions = {}): Promise<SdkOutcome<T>> {
    const recordings: Recorded[] = [];
    const fetch = createRecordingFetch({
      recordedBytesMax,
      onProgress,
      beforeSend: () => options.beforeSend?.(signal) ?? Promise.resolve(),
      mapBody: (body) => mapTokenLimit(body, target),
      loan: options.loan,
      signal: limitCall(signal, sdkOptions, patienceMs),
      onExchange: (recording) => {
        recordings.push(recording);
        views.push(() => recording.snapshot());
      },
    });
    const client = createClient({ target, officialSdk, fetch }, sdkOptions);
    const settled = await settle(() => call(client));
    for (const recording of recordings) options.onAnswer?.(recording.snapshot());
    signal.throwIfAborted();
    if (isSignal(settled.error)) throw settled.error;
    return { ...settled, ...requireExchanges(recordings, settled.error) };
  }

  async function wire(request: WireRequest): Promise<Exchange> {
    await options.beforeSend?.(signal);
    const bounds = { recordedBytesMax, signal, ...(request.httpVersion === "1.0" ? { oldForMs: patienceMs } : {}) };
    const onExchange = (recorded: Recorded): void => void views.push(() => recorded.snapshot());
    const loan = isReadToItsEnd(request) ? options.loan : undefined;
    const described = { ...describeWire(target, request), ...bounds, loan };
    const exchange = await sendWireRequest({ ...described, onProgress, onExchange });
    options.onAnswer?.(exchange);
    return exchange;
  }

  async function realtime(request: RealtimeRequest): Promise<RealtimeConnection> {
    const { path = REALTIME_PATH, query, protocols = [], throughSdk = false, withinMs = patienceMs } = request;
    const headers = realtimeHeaders(target, request);
    const recording = new ExchangeRecording(describeUpgrade(target, request, headers), recordedBytesMax, onProgress);
    const index = views.push(() => recording.snapshot()) - 1;
    const socket = { baseUrl: target.baseUrl, path, query, headers, protocols };
    const connection = await openRealtime({
      ...socket,
      officialSdk: throughSdk ? officialSdk : null,
      withinMs,
      signal,
      recording,
    });
    views[index] = () => connection.exchange();
    return connection;
  }

  const context: CheckContext = {
    baseUrl: target.baseUrl,
    models: target.models,
    signal,
    patienceMs,
    officialSdk,
    key: (name) => requireKey(target, name),
    fixture: (name) => requireFixture(target, name),
    sdk,
    wire,
    realtime,
    shared: (key, make) => makeOnce(run, key, make),
  };
  return { context, exchanges: () => views.map((view) => view()) };
}

/** Whether all of the answer is waited for, in the usual way. */
function isReadToItsEnd({ disconnectAfterBytes, stall, httpVersion }: WireRequest): boolean {
  return disconnectAfterBytes === undefined && stall === undefined && httpVersion !== "1.0";
}

function limitCall(signal: AbortSignal, { signal: own, isRefusable }: SdkOptions, patienceMs: number): AbortSignal {
  return AbortSignal.any([
    signal,
    ...(own === undefined ? [] : [own]),
    ...(isRefusable === true ? [AbortSignal.timeout(patienceMs)] : []),
  ]);
}

function requireExchanges(
  recordings: readonly Recorded[],
  thrown: unknown,
): { readonly exchanges: readonly Exchange[]; readonly exchange: Exchange } {
  const exchanges = recordings.map((recording) => recording.snapshot());
  const exchange = exchanges.at(-1);
  if (exchange !== undefined) return { exchanges, exchange };
  throw new Error(`The SDK call of this check sent no request: ${describeThrown(thrown)}`);
}

/** What was not made in time, or failed through no outcome, is made again. */
async function makeOnce<T>(run: SharedRun, key: SharedKey<T>, make: () => Promise<T>): Promise<T> {
  const made = key.made.get(run) ?? make();
  key.made.set(run, made);
  try {
    return await made;
  } catch (error) {
    const isLate = error instanceof Inconclusive && error.inconclusiveCause === "timeout";
    if (isLate || !isSignal(error)) key.made.delete(run);
    throw error;
  }
}

async function settle<T>(call: () => Promise<T>): Promise<{ value: T | undefined; error: unknown }> {
  try {
    return { value: await call(), error: undefined };
  } catch (error) {
    return { value: undefined, error: error ?? new Error("The SDK threw nothing at all.") };
  }
}

function requireKey(target: Target, name: KeyName): string {
  const key = target.keys[name];
  if (key === undefined) throw new NotTestable(`the target's recipe has no key \`${name}\``);
  return key;
}

function requireFixture<Name extends FixtureName>(target: Target, name: Name): Fixtures[Name] {
  const fixture: Fixtures[Name] | undefined = target.fixtures?.[name];
  if (fixture === undefined) throw new NotTestable(`the target's recipe has no fixture \`${name}\``);
  return fixture;
}

/** The header. A target without any full key is called without one; the other named keys must exist. */
function resolveAuthorization(target: Target, credential: Credential = "full"): string | null {
  if (credential === null || (credential === "full" && target.keys.full === undefined)) return null;
  if (typeof credential === "string") return `Bearer ${requireKey(target, credential)}`;
  return "literal" in credential ? `Bearer ${credential.literal}` : credential.authorization;
}

interface ClientParts {
  readonly target: Target;
  readonly officialSdk: OfficialSdk;
  readonly fetch: typeof globalThis.fetch;
}

/** Everything that the SDK would else take from the environment is set, so that a run depends on its recipe alone. */
function createClient({ target, officialSdk, fetch }: ClientParts, options: SdkOptions): OpenAI {
  return new officialSdk.OpenAI({
    baseURL: target.baseUrl,
    apiKey: "none",
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: "off",
    maxRetries: options.maxRetries ?? 0,
    timeout: SDK_TIMEOUT_MS,
    fetch,
    defaultHeaders: { ...target.headers, authorization: resolveAuthorization(target, options.credential) },
  });
}

/**
 * Checks limit chats by `max_tokens`, which all servers know but OpenAI's for its newer models. The field is renamed in
 * the text, so that everything else stays as the check wrote it.
 */
function mapTokenLimit(body: string, { tokenLimit }: Target): string {
  if (tokenLimit !== "max_completion_tokens" || !body.includes('"messages"')) return body;
  return body.includes('"max_completion_tokens"')
    ? body
    : body.replace(/"max_tokens"(?=\s*:)/, '"max_completion_tokens"');
}

/** What of a request goes on the wire, and how long its answer is read. */
function describeWire(target: Target, request: WireRequest) {
  const { method, path, body, disconnectAfterBytes, disconnectAfterMs, stall } = request;
  return {
    method,
    url: target.baseUrl + path,
    headers: wireHeaders(target, request),
    ...(body === undefined ? {} : { body: typeof body === "string" ? mapTokenLimit(body, target) : body }),
    ...(disconnectAfterBytes === undefined ? {} : { disconnectAfterBytes }),
    ...(disconnectAfterMs === undefined ? {} : { disconnectAfterMs }),
    ...(stall === undefined ? {} : { stall }),
  };
}

function wireHeaders(target: Target, request: WireRequest): Record<string, string> {
  const authorization = resolveAuthorization(target, request.credential);
  const headers: Record<string, string> = { ...target.headers };
  if (authorization !== null) headers["authorization"] = authorization;
  if (request.body !== undefined) headers["content-type"] = "application/json";
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  return headers;
}

function realtimeHeaders(target: Target, { credential, headers = {} }: RealtimeRequest): Record<string, string> {
  const authorization = resolveAuthorization(target, credential);
  const sent = { ...target.headers, ...(authorization === null ? {} : { authorization }), ...headers };
  return Object.fromEntries(
    Object.entries(sent).flatMap(([name, value]) => (value === null ? [] : [[name.toLowerCase(), value]])),
  );
}

const REALTIME_PATH = "/realtime";

/** The key of RFC 6455 section 1.3: the true one differs from connection to connection. */
const SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** As a client that knows no WebSocket would ask for the upgrade. */
function describeUpgrade(
  target: Target,
  { path = REALTIME_PATH, query, protocols = [] }: RealtimeRequest,
  headers: Readonly<Record<string, string>>,
): RecordedRequest {
  return {
    method: "GET",
    url: `${target.baseUrl}${path}${query}`,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": SAMPLE_KEY,
      ...(protocols.length === 0 ? {} : { "sec-websocket-protocol": protocols.join(", ") }),
      ...headers,
    },
    body: null,
  };
}
