/** What comes in and what goes out, before and after the wire's functions have decided anything. */

import type { HttpOperationId } from "@openai-compat/spec";
import type { IncomingHttpHeaders } from "node:http";

export interface ReferenceCall {
  readonly method: string;
  /** Below the base URL, still percent-encoded. */
  readonly path: string;
  /** With its question mark; empty without one. */
  readonly query: string;
  /** Null for a preflight, an unknown route or a wrong method. */
  readonly operation: HttpOperationId | null;
  readonly headers: IncomingHttpHeaders;
  /** Null when it was larger than the server takes. */
  readonly body: Uint8Array | null;
}

export interface Write {
  readonly data: string | Uint8Array;
  /** Pause before it. */
  readonly afterMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly writes: readonly Write[];
  /** cut: the socket is destroyed after the last write. open: nothing more is sent and the socket stays. */
  readonly end: "clean" | "cut" | "open";
  /** Awaited before the first byte. */
  readonly ready: () => Promise<void>;
  /** Called once, when nothing more is sent. */
  readonly release: () => void;
}
