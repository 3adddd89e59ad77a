/** One base URL and the connections to it, opened on the first call. It chooses nothing and retries nothing. */

import { type Connections, createConnections } from "./connections.ts";
import { type ExchangeAnswer, type ExchangeOptions, type ExchangeRequest, openExchange } from "./exchange.ts";
import { lookUpPublicHost } from "./public-address.ts";
import { openSocket, type Upgrade } from "./realtime/open-socket.ts";
import type { ResolvedUpstreamSettings, UpstreamAddress } from "./upstream-settings.ts";

export type CallOptions = Pick<ExchangeOptions, "signal" | "onSent" | "readOnMs">;

export interface UpstreamTarget {
  /** @param request its path is appended to the base URL's. @throws as `openExchange` */
  open(request: ExchangeRequest, options: CallOptions): Promise<ExchangeAnswer>;
  /** Opens a WebSocket. @param request its path is appended to the base URL's. @throws as `openSocket` */
  connect(request: Pick<ExchangeRequest, "path" | "headers">, signal: AbortSignal): Promise<Upgrade>;
  /** Waits for running requests and closes the connections. */
  close(): Promise<void>;
}

export function createUpstreamTarget(address: UpstreamAddress, settings: ResolvedUpstreamSettings): UpstreamTarget {
  let connections: Promise<Connections> | null = null;
  let closing: Promise<void> | null = null;

  async function closeConnections(): Promise<void> {
    if (connections !== null) await (await connections).close();
  }

  return {
    async open(request, options) {
      connections ??= openConnections(address.origin, settings);
      const connection = (await connections).take();
      const { path, headers, body } = request;
      const { signal, onSent, readOnMs } = options;
      const sent = { path: address.basePath + path, headers, body };
      return openExchange(connection, sent, { limits: settings, signal, onSent, readOnMs });
    },
    connect({ path, headers }, signal) {
      const sent = { origin: address.origin, path: address.basePath + path, headers };
      return openSocket(sent, { limits: settings, signal });
    },
    async close() {
      closing ??= closeConnections();
      await closing;
    },
  };
}

async function openConnections(origin: string, settings: ResolvedUpstreamSettings): Promise<Connections> {
  // Loading it takes 0.1 s and 30 MB, which a server without upstreams should not spend.
  const { Client } = await import("undici");
  const options = {
    connectTimeout: settings.connectTimeoutMs,
    maxHeaderSize: settings.headBytesMax,
    pipelining: 1,
    ...(settings.publicAddressesOnly && {
      connect: { timeout: settings.connectTimeoutMs, lookup: lookUpPublicHost },
    }),
  };
  return createConnections(() => new Client(origin, options));
}
