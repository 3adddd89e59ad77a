/** What a client is made with, and what becomes of it. It sends nothing. */

import { ClientError } from "./client-error.ts";
import { createRetryTokens } from "./http/retry-tokens.ts";
import type { RetryTokens } from "./http/retry-tokens.ts";

/** What a function that gives tokens is called with. */
export interface TokenRequest {
  /** Whether the server has just refused the last token with 401: a cached one is of no use. */
  readonly isRefused: boolean;
}

/** A credential, or a function that gives one. The function is called for each attempt. */
export type TokenSource = string | ((request: TokenRequest) => string | Promise<string>);

/** When and how often failed calls are tried again. */
export interface RetryOptions {
  /** The most attempts of one call, the first one included; 1 turns retries off. Default: 3. */
  readonly attempts?: number;
  /** The longest wait before the second attempt, in milliseconds; it doubles with each further one. Default: 500. */
  readonly firstDelayMs?: number;
  /** The longest wait that the client chooses by itself, in milliseconds. Default: 8000. */
  readonly delayMsMax?: number;
  /**
   * The longest time that one call may spend waiting between attempts, in milliseconds. A server that asks for more with
   * `retry-after` gets no further attempt. Default: 60,000.
   */
  readonly budgetMs?: number;
  /**
   * How many retries all calls of the client can make in a row. Each retry takes one; each call that succeeds gives back
   * `tokensPerSuccess`, so that a server in trouble doesn't get several times the load. Default: 20.
   */
  readonly tokensMax?: number;
  /** Default: 0.1. */
  readonly tokensPerSuccess?: number;
}

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a client is made with; all but the address has a default. */
export interface ClientOptions {
  /** The server's address with the path that OpenAI clients use, such as `http://127.0.0.1:8080/v1`. */
  readonly baseURL: string;
  /** Sent as `Authorization: Bearer …`. Default: none. */
  readonly token?: TokenSource;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the platform's own. */
  readonly fetch?: Fetch;
  readonly retry?: RetryOptions;
  /**
   * The longest wait for the server, in milliseconds: for a complete answer, and in a stream for its head and for each
   * next piece. Default: 600,000.
   */
  readonly timeoutMs?: number;
  /** Whether inputs and answers are validated. Default: true. */
  readonly validate?: boolean;
  /** Where the native surface is, for `client.ai`. Default: `/trpc` in place of the `/v1` that `baseURL` ends in. */
  readonly trpcURL?: string;
  /**
   * What carries the subscriptions of `client.ai`: a request each, with server-sent events, or one WebSocket for all of
   * them. Default: `sse`.
   */
  readonly subscriptions?: "sse" | "websocket";
  /**
   * How long a subscription of `client.ai` that lost its connection tries to get it back, in milliseconds, before it
   * throws. Default: 15,000.
   */
  readonly reconnectMs?: number;
}

/** The options with their defaults. */
export interface ClientSettings {
  /** Without a slash at its end. */
  readonly baseURL: string;
  /** Null where none is configured. */
  readonly token: TokenSource | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: Fetch;
  readonly retry: Readonly<Required<RetryOptions>>;
  readonly retryTokens: RetryTokens;
  readonly timeoutMs: number;
  readonly validate: boolean;
  /** Without a slash at its end. */
  readonly trpcURL: string;
  readonly subscriptions: "sse" | "websocket";
  readonly reconnectMs: number;
}

const RETRY_DEFAULTS: Required<RetryOptions> = {
  attempts: 3,
  firstDelayMs: 500,
  delayMsMax: 8000,
  budgetMs: 60_000,
  tokensMax: 20,
  tokensPerSuccess: 0.1,
};

const TIMEOUT_MS_DEFAULT = 600_000;
const RECONNECT_MS_DEFAULT = 15_000;
/** The longest that a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** @throws ClientError of kind `invalid-request` where an option can't be used. */
export function resolveSettings(options: ClientOptions): ClientSettings {
  const retry = { ...RETRY_DEFAULTS, ...options.retry };
  for (const [name, value] of Object.entries(retry)) requireNumber(`retry.${name}`, value, 0);
  requireNumber("retry.attempts", retry.attempts, 1);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
  requireNumber("timeoutMs", timeoutMs, 1);
  const reconnectMs = options.reconnectMs ?? RECONNECT_MS_DEFAULT;
  requireNumber("reconnectMs", reconnectMs, 0);
  const baseURL = readURL("baseURL", options.baseURL);
  return {
    baseURL,
    token: options.token ?? null,
    headers: options.headers ?? {},
    fetch: options.fetch ?? (async (url, init) => fetch(url, init)),
    retry,
    retryTokens: createRetryTokens(retry),
    timeoutMs,
    validate: options.validate ?? true,
    trpcURL: options.trpcURL === undefined ? findTrpcURL(baseURL) : readURL("trpcURL", options.trpcURL),
    subscriptions: options.subscriptions ?? "sse",
    reconnectMs,
  };
}

function refuse(message: string): ClientError {
  return new ClientError({ kind: "invalid-request", message });
}

/** @throws ClientError where it is no number from `least` on that a timer can wait. */
export function requireNumber(name: string, value: number, least: number): void {
  if (value >= least && value <= TIMER_MS_MAX) return;
  throw refuse(`${name} must be a number from ${least} to ${TIMER_MS_MAX}, not ${value}.`);
}

/** A URL with a password in it is refused without being shown: `fetch` would show it in its error. */
function readURL(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw refuse(`${name} must be an absolute http(s) URL, such as "http://127.0.0.1:8080/v1".`);
  }
  if (url.username !== "" || url.password !== "") throw refuse(`${name} must not hold a user name or a password.`);
  if (url.search !== "" || url.hash !== "") throw refuse(`${name} must have no query and no fragment.`);
  return url.href.replace(/\/+$/, "");
}

/** Beside either mount of the OpenAI surface; below any other path. */
function findTrpcURL(baseURL: string): string {
  return `${baseURL.replace(/(?:\/api\/v1\/openai)?\/v1$/, "")}/trpc`;
}
