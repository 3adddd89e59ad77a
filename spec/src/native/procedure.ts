/** What an entry of the list of native procedures says. */
import type { z } from "zod";

/** What a credential must grant. A grant of every domain (`*`) includes `ai`, never `operator`. */
export interface NativeCapability {
  readonly domain: "ai" | "operator";
  readonly can: "READ" | "PROMPT" | "TRANSCRIBE" | "CREATE" | "UPDATE" | "DELETE";
}

/** A procedure of the native surface, which speaks tRPC's protocol at `/trpc`. */
export interface NativeProcedure {
  readonly type: "query" | "mutation" | "subscription";
  readonly summary: string;
  readonly capability: NativeCapability;
  /** `noInputSchema` where it takes none. Unknown fields are refused. */
  readonly input: z.ZodType;
  /** Of a subscription: one of its events. */
  readonly output: z.ZodType;
  /**
   * Whether each event of a subscription has an id, from which a client that lost its connection goes on; otherwise a
   * new subscription begins with what is true then.
   */
  readonly resumable?: true;
}
