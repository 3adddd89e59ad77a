/** One base URL and the connections to it, opened on the first call. It chooses nothing and retries nothing. */

import type { Pool } from "undici";
import { type ExchangeAnswer, type ExchangeRequest, openExchange } from "./exchange.ts";
import type { ResolvedUpstreamSettings, UpstreamAddress } from "./upstream-settings.ts";

export interface UpstreamTarget {
  /** @param request its path is put behind the base URL's. @throws as `openExchange` */
  open(request: ExchangeRequest, signal: AbortSignal): Promise<ExchangeAnswer>;
  /** Waits for running requests and closes the connections. */
  close(): Promise<void>;
}

export function createUpstreamTarget(address: UpstreamAddress, settings: ResolvedUpstreamSettings): UpstreamTarget {
  let pool: Promise<Pool> | null = null;
  return {
    async open(request, signal) {
      pool ??= openPool(address.origin, settings);
      const path = address.basePath + request.path;
      return openExchange(await pool, { ...request, path }, { limits: settings, signal });
    },
    async close() {
      if (pool !== null) await (await pool).close();
    },
  };
}

async function openPool(origin: string, settings: ResolvedUpstreamSettings): Promise<Pool> {
  // Loading it takes a tenth of a second and 30 MB: a server without upstreams should not pay for that.
  const { Pool: UndiciPool } = await import("undici");
  return new UndiciPool(origin, {
    connectTimeout: settings.connectTimeoutMs,
    maxHeaderSize: settings.headBytesMax,
    pipelining: 1,
  });
}
