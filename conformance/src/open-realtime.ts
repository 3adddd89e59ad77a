/** Opens a WebSocket connection to the target, through the official SDK or without it. */

import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type ClientOptions, WebSocket } from "ws";
import type { ExchangeRecording } from "./exchange-recording.ts";
import type { OfficialSdk } from "./official-sdk.ts";
import { RealtimeConnection } from "./realtime-connection.ts";

export interface OpenRealtimeOptions {
  readonly baseUrl: string;
  /** Below the base URL. The SDK knows `/realtime` alone. */
  readonly path: string;
  /** With its question mark; empty for none. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocols: readonly string[];
  /** Opens it; it sends no query but an intent or a model, and no subprotocol. Null: it is opened without the SDK. */
  readonly officialSdk: OfficialSdk | null;
  /** How long the upgrade may take. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly recording: ExchangeRecording;
}

/** A bare client takes no larger message. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Resolves when the upgrade has succeeded or failed, or its time is up.
 *
 * @throws the signal's reason when it aborts first; a SyntaxError for a subprotocol that no header can hold.
 */
export async function openRealtime(options: OpenRealtimeOptions): Promise<RealtimeConnection> {
  const { recording, signal, withinMs } = options;
  signal.throwIfAborted();
  let stream: Socket | null = null;
  const transport: ClientOptions = {
    createConnection: () => (stream = connectTo(options.baseUrl)),
    perMessageDeflate: false,
    handshakeTimeout: withinMs,
  };
  const { officialSdk } = options;
  const sdk = officialSdk === null ? null : openThroughSdk(officialSdk, options, transport);
  const socket = sdk?.socket ?? openBare(options, transport);
  const connection = new RealtimeConnection({ socket, sdk, stream: () => stream, recording });
  const abort = (): void => connection.terminate();
  signal.addEventListener("abort", abort, { once: true });
  socket.on("close", () => signal.removeEventListener("abort", abort));
  await connection.until(() => connection.opened || connection.closure !== null, withinMs);
  signal.throwIfAborted();
  return connection;
}

/** Plain TCP where the target is `http:`, although the SDK says `wss:` of every target. */
function connectTo(baseUrl: string): Socket {
  const { hostname, port, protocol } = new URL(baseUrl);
  const isTls = protocol === "https:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const address = { host, port: Number(port) || (isTls ? 443 : 80) };
  return isTls ? connectTls({ ...address, servername: host }) : connectTcp(address);
}

function openThroughSdk(
  { OpenAI, OpenAIRealtimeWS }: OfficialSdk,
  { baseUrl, query, headers }: OpenRealtimeOptions,
  transport: ClientOptions,
) {
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: headers["authorization"]?.replace(/^Bearer /, "") ?? "none",
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: "off",
  });
  const model = new URLSearchParams(query).get("model");
  const props = model === null ? ({ intent: "transcription" } as const) : { model };
  return new OpenAIRealtimeWS({ ...props, options: transport }, client);
}

function openBare(options: OpenRealtimeOptions, transport: ClientOptions): WebSocket {
  const url = `${options.baseUrl.replace(/^http/, "ws")}${options.path}${options.query}`;
  const bounds = { headers: { ...options.headers }, maxPayload: MESSAGE_BYTES_MAX };
  return new WebSocket(url, [...options.protocols], { ...transport, ...bounds });
}
