/**
 * Reasoning and summaries that a client keeps for its next request without reading them: encrypted, and bound to the
 * account. What another account, another server or an earlier key has sealed can't be opened here.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
/** Bytes. */
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** Says which form the rest has. */
const FORM = "oc1.";

export interface ReasoningSeal {
  seal(accountId: string, reasoning: string): string;
  /** @returns null for what this account has not got from this server */
  open(accountId: string, sealed: string): string | null;
}

/**
 * What is sealed: a text that a model can be shown, or what an upstream has encrypted itself. One is not taken for the
 * other.
 */
type SealedKind = "reasoning" | "compaction" | "upstream";

export type Seals = Readonly<Record<SealedKind, ReasoningSeal>>;

/** Of all operations on responses: what one has sealed another can open. @param secret as of `createReasoningSeal` */
export function createSeals(secret: Uint8Array | null): Seals {
  return {
    reasoning: createReasoningSeal(secret, "reasoning"),
    compaction: createReasoningSeal(secret, "compaction"),
    upstream: createReasoningSeal(secret, "upstream"),
  };
}

/** Opens what an account has sealed. Null for what can't be opened. */
export interface Openers {
  /** The model does not see what can't be opened. */
  readonly openReasoning: (sealed: string) => string | null;
  /** What can't be opened is refused: the model would not know what the conversation is about. */
  readonly openCompaction: (sealed: string) => string | null;
  /** What an upstream has encrypted. It gets nothing of what can't be opened. */
  readonly openBlob: (sealed: string) => string | null;
}

export function createOpeners(seals: Seals, accountId: string): Openers {
  return {
    openReasoning: (sealed) => seals.reasoning.open(accountId, sealed),
    openCompaction: (sealed) => seals.compaction.open(accountId, sealed),
    openBlob: (sealed) => seals.upstream.open(accountId, sealed),
  };
}

/** @param secret at least 16 bytes, the same for all replicas. Null: one of this process alone */
export function createReasoningSeal(secret: Uint8Array | null, kind: SealedKind): ReasoningSeal {
  const info = `responses.${kind}`;
  const key = Buffer.from(hkdfSync("sha256", secret ?? randomBytes(KEY_LENGTH), "", info, KEY_LENGTH));
  return {
    seal(accountId, reasoning) {
      const nonce = randomBytes(NONCE_LENGTH);
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(accountId));
      const sealed = [cipher.update(reasoning, "utf8"), cipher.final()];
      return `${FORM}${Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString("base64url")}`;
    },
    open(accountId, sealed) {
      if (!sealed.startsWith(FORM)) return null;
      const bytes = Buffer.from(sealed.slice(FORM.length), "base64url");
      if (bytes.length < NONCE_LENGTH + TAG_LENGTH) return null;
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
      decipher.setAAD(Buffer.from(accountId));
      decipher.setAuthTag(bytes.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH));
      try {
        const start = decipher.update(bytes.subarray(NONCE_LENGTH + TAG_LENGTH));
        return Buffer.concat([start, decipher.final()]).toString("utf8");
      } catch {
        // The tag is of another key, another account, or other bytes.
        return null;
      }
    },
  };
}
