/**
 * What the client has to know about a procedure before it sends anything. The compiler demands an entry for each one of
 * the specification's list, whose schemas stay out of the client's first bundle.
 */

import type { NativePath, NativeProcedures } from "@openai-compat/spec";

interface ProcedureTraits {
  readonly type: "query" | "mutation" | "subscription";
  /**
   * Whether calls made in the same tick share one request. Not where it would make quick calls wait for a slow one, or
   * an abort wait for the others.
   */
  readonly isBatched?: boolean;
  /** Whether a call whose answer was lost may be sent again. Not where it would be done twice. */
  readonly isRepeatable?: boolean;
  /** Whether the server goes on with a lost subscription for a while, so that one that is left has to be cancelled. */
  readonly isCancelled?: boolean;
}

type TraitsOfAll = { readonly [Path in NativePath]: ProcedureTraits & Pick<NativeProcedures[Path], "type"> };

const QUERY = { type: "query", isBatched: true, isRepeatable: true } as const;
const SLOW_MUTATION = { type: "mutation", isRepeatable: true } as const;

export const procedureTraits: TraitsOfAll = {
  "models.list": QUERY,
  "models.status": QUERY,
  "models.watch": { type: "subscription" },
  "models.add": { type: "mutation" },
  "models.update": SLOW_MUTATION,
  "models.remove": { type: "mutation" },
  "models.getDefault": QUERY,
  "models.setDefault": SLOW_MUTATION,
  prompt: SLOW_MUTATION,
  promptCancel: SLOW_MUTATION,
  "transcription.open": { type: "mutation" },
  "transcription.feed": SLOW_MUTATION,
  "transcription.commit": { type: "mutation" },
  "transcription.close": SLOW_MUTATION,
  "transcription.text": { type: "subscription" },
  promptStream: { type: "subscription", isCancelled: true },
  embed: SLOW_MUTATION,
  "tasks.list": QUERY,
  "tasks.add": { type: "mutation" },
  "tasks.update": SLOW_MUTATION,
  "tasks.remove": { type: "mutation" },
  "accounts.list": QUERY,
  "accounts.get": QUERY,
  "credits.balance": QUERY,
  "credits.entries": QUERY,
  "credits.grant": { type: "mutation" },
  "keys.list": QUERY,
  "keys.create": { type: "mutation" },
  "keys.revoke": SLOW_MUTATION,
  speak: SLOW_MUTATION,
  speakStream: { type: "subscription", isCancelled: true },
};

export function isNativePath(path: string): path is NativePath {
  return Object.hasOwn(procedureTraits, path);
}
