/**
 * Encodes what callers have stored, encrypted when there is a key. What is encrypted is bound to its account and its id:
 * whoever can write to the database alone can't show one account's content to another.
 */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { z } from "zod";
import type { EntryKey } from "./entry-store.ts";

/** Whose content it is, and which. */
export interface SealedKey extends Omit<EntryKey, "kind"> {
  readonly kind: EntryKey["kind"] | "run" | "run-checkpoint" | "run-events";
}

export interface ContentBox {
  seal(value: unknown, key: SealedKey): Uint8Array;
  /** @throws Error where it was sealed with another key or as something else, or is damaged */
  open<Schema extends z.ZodType>(schema: Schema, stored: Uint8Array, key: SealedKey): z.output<Schema>;
}

/** The first byte. */
const PLAIN = 0;
const SEALED = 1;
const ALGORITHM = "aes-256-gcm";
/** Bytes. */
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** @param key 32 bytes in base64; null: nothing is encrypted */
export function createContentBox(key: string | null): ContentBox {
  const keyBytes = key === null ? null : Buffer.from(key, "base64");
  const decrypt = (stored: Uint8Array, entry: SealedKey): Buffer => {
    if (stored[0] === PLAIN) return Buffer.from(stored.buffer, stored.byteOffset + 1, stored.byteLength - 1);
    if (stored[0] !== SEALED) throw new Error("A stored entry has a form that this program does not know.");
    if (keyBytes === null) throw new Error("A stored entry is encrypted, and responses.secretKey is not set.");
    try {
      const [nonceEnd, tagEnd] = [1 + NONCE_LENGTH, 1 + NONCE_LENGTH + TAG_LENGTH];
      const decipher = createDecipheriv(ALGORITHM, keyBytes, stored.subarray(1, nonceEnd), {
        authTagLength: TAG_LENGTH,
      });
      decipher.setAAD(encodeOwner(entry)).setAuthTag(stored.subarray(nonceEnd, tagEnd));
      return Buffer.concat([decipher.update(stored.subarray(tagEnd)), decipher.final()]);
    } catch (thrown) {
      const message = "A stored entry can't be decrypted: responses.secretKey is another one, or it was changed.";
      throw new Error(message, { cause: thrown });
    }
  };
  return {
    seal(value, entry) {
      const text = JSON.stringify(value);
      if (keyBytes === null) return Buffer.concat([Buffer.of(PLAIN), Buffer.from(text)]);
      const nonce = randomBytes(NONCE_LENGTH);
      const cipher = createCipheriv(ALGORITHM, keyBytes, nonce).setAAD(encodeOwner(entry));
      const sealed = [cipher.update(text, "utf8"), cipher.final()];
      return Buffer.concat([Buffer.of(SEALED), nonce, cipher.getAuthTag(), ...sealed]);
    },
    open: (schema, stored, entry) => schema.parse(JSON.parse(decrypt(stored, entry).toString("utf8"))),
  };
}

function encodeOwner({ accountId, kind, chainId, id }: SealedKey): Buffer {
  return Buffer.from(JSON.stringify([accountId, kind, chainId, id]));
}
