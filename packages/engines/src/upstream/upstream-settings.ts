/** The settings of an upstream engine, their defaults and validation; no other module may define one. */

import { isIP } from "node:net";
import type { ModelRequestId } from "@openai-compat/core";
import { isPublicAddress } from "./public-address.ts";

export interface UpstreamEngineSettings {
  /** Base URLs of the upstream's API: `http://host:9000/v1`. Calls are spread over all of them. */
  readonly baseUrls: readonly string[];
  /** The model's name at the upstream. */
  readonly model: string;
  /** What the upstream serves for this model. */
  readonly operations: readonly ModelRequestId[];
  /** Whether responses are made of its chat completions, where it serves those and no responses itself. Default true. */
  readonly bridgesResponses?: boolean;
  /** Sent as a bearer token; it is the only credential that an upstream ever sees. Default null: none is sent. */
  readonly apiKey?: string | null;
  /**
   * Whether connections are made to public addresses alone, whatever a base URL's name means by then. Default false: the
   * operator's servers are often in private networks.
   */
  readonly publicAddressesOnly?: boolean;
  /** Prompt and completion together. Default 131,072. */
  readonly contextTokens?: number;
  /**
   * Tokens of an answer when the request sets no limit: then it is sent as the limit. Default null: none is sent, and
   * an answer may fill the context.
   */
  readonly completionTokensMax?: number | null;
  /**
   * Parameters that are sent in addition to those that are known to be bounded by the token limit and the number of
   * answers. One that raises the cost beyond these makes calls cost more than was held for them. Default: none.
   */
  readonly passParameters?: readonly string[];
  /**
   * Other models of the upstream that may transcribe the input of a realtime session, by their names there; a session
   * costs what its own model costs, whichever transcribes. Default: none.
   */
  readonly transcriptionModels?: readonly string[];
  /**
   * Whether a reported usage of 0 tokens is accepted. Default false: it is replaced by an estimate, because servers
   * that don't count report zeros, and no prompt has 0 tokens.
   */
  readonly zeroUsageBelieved?: boolean;
  /** How long to wait for the usage of a complete answer when the client has disconnected before. Default 1,500. */
  readonly usageWaitMs?: number;
  /** Calls side by side, over all base URLs. Default 256. */
  readonly concurrency?: number;
  /** Until a connection is established; then the next base URL is tried. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** From the request until the first byte of the answer's body: time for a long prompt. Default 300,000. */
  readonly firstByteTimeoutMs?: number;
  /**
   * Between two pieces of the answer, while its consumer waits for one; in a realtime session, without an answer to a
   * ping. Default 60,000.
   */
  readonly stallTimeoutMs?: number;
  /** Status line and headers of an answer. Default 16,384. */
  readonly headBytesMax?: number;
  /** One answer, streamed or not, also after its decompression. Default 67,108,864. */
  readonly answerBytesMax?: number;
  /**
   * Objects, arrays and what they hold in a non-streaming JSON answer; 16 times as many in embeddings. Default 250,000.
   */
  readonly answerValuesMax?: number;
  /** One server-sent event, one message of a realtime session. Default 1,048,576. */
  readonly eventBytesMax?: number;
  /** What is read of an answer ahead of its consumer. Default 262,144. */
  readonly readAheadBytesMax?: number;
  /** Failures in a row after which a base URL is not used for a while. Default 5. */
  readonly breakerFailuresMax?: number;
  /** For how long it is not used, before one call tries it again. Default 10,000. */
  readonly breakerOpenMs?: number;
}

export type ResolvedUpstreamSettings = Required<UpstreamEngineSettings>;

export const UPSTREAM_DEFAULTS = {
  bridgesResponses: true,
  apiKey: null,
  publicAddressesOnly: false,
  contextTokens: 131_072,
  completionTokensMax: null,
  passParameters: [],
  transcriptionModels: [],
  zeroUsageBelieved: false,
  usageWaitMs: 1500,
  concurrency: 256,
  connectTimeoutMs: 3000,
  firstByteTimeoutMs: 300_000,
  stallTimeoutMs: 60_000,
  headBytesMax: 16_384,
  answerBytesMax: 67_108_864,
  answerValuesMax: 250_000,
  eventBytesMax: 1_048_576,
  readAheadBytesMax: 262_144,
  breakerFailuresMax: 5,
  breakerOpenMs: 10_000,
} as const satisfies Omit<ResolvedUpstreamSettings, "baseUrls" | "model" | "operations">;

/** @throws TypeError that names the setting, never its secret */
export function resolveUpstreamSettings(settings: UpstreamEngineSettings): ResolvedUpstreamSettings {
  const resolved = { ...UPSTREAM_DEFAULTS, ...settings };
  const { apiKey, baseUrls } = resolved;
  if (baseUrls.length === 0) throw new TypeError("An upstream needs at least one base URL.");
  if (apiKey !== null && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError("The API key of an upstream may hold visible ASCII characters only.");
  }
  if (resolved.publicAddressesOnly) for (const baseUrl of baseUrls) requirePublicLiteral(baseUrl);
  return resolved;
}

/** An address that is no name is not looked up for a connection. */
function requirePublicLiteral(baseUrl: string): void {
  const hostname = URL.parse(baseUrl)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
    throw new TypeError("A base URL of this upstream has a private address.");
  }
}

export interface UpstreamAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Without a trailing slash; empty for none. */
  readonly basePath: string;
}

/** @throws TypeError for anything but a plain `http` or `https` URL */
export function parseBaseUrl(baseUrl: string): UpstreamAddress {
  if (!URL.canParse(baseUrl)) throw new TypeError("A base URL of an upstream is no URL.");
  const url = new URL(baseUrl);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!/^https?:$/.test(url.protocol) || !isPlain) {
    throw new TypeError("A base URL of an upstream is http(s)://host[:port][/path], without credentials or query.");
  }
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, "") };
}
