/**
 * Encrypts the secrets of stored models, each bound to its model's id: what is encrypted for one model can't be decrypted
 * as another's, so whoever can write to the store alone can't have a key sent to an upstream of theirs.
 */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export interface SecretBox {
  /** @returns what to store */
  seal(secret: string, modelId: string): string;
  /** @throws SecretUnreadableError where it was sealed with another key, for another model, or is damaged */
  open(stored: string, modelId: string): string;
}

/** Its message is for callers. */
export class SecretUnreadableError extends Error {
  override readonly name = "SecretUnreadableError";
}

const SEALED = "sealed:1:";
const PLAIN = "plain:";
const ALGORITHM = "aes-256-gcm";
/** Bytes. */
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** @param key 32 bytes in base64; null: what is sealed is only marked */
export function createSecretBox(key: string | null): SecretBox {
  const keyBytes = key === null ? null : Buffer.from(key, "base64");
  return {
    seal(secret, modelId) {
      if (keyBytes === null) return `${PLAIN}${secret}`;
      const nonce = randomBytes(NONCE_LENGTH);
      const cipher = createCipheriv(ALGORITHM, keyBytes, nonce).setAAD(Buffer.from(modelId));
      const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return `${SEALED}${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64")}`;
    },
    open(stored, modelId) {
      if (stored.startsWith(PLAIN)) return stored.slice(PLAIN.length);
      if (!stored.startsWith(SEALED))
        throw new SecretUnreadableError("Its API key is stored in a way that this program does not know.");
      if (keyBytes === null)
        throw new SecretUnreadableError("Its API key is encrypted, and the setting native.secretKey is not set.");
      const bytes = Buffer.from(stored.slice(SEALED.length), "base64");
      try {
        const nonce = bytes.subarray(0, NONCE_LENGTH);
        const tag = bytes.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH);
        const decipher = createDecipheriv(ALGORITHM, keyBytes, nonce, { authTagLength: TAG_LENGTH });
        decipher.setAAD(Buffer.from(modelId)).setAuthTag(tag);
        const opened = decipher.update(bytes.subarray(NONCE_LENGTH + TAG_LENGTH));
        return Buffer.concat([opened, decipher.final()]).toString("utf8");
      } catch (thrown) {
        const message =
          "Its API key can't be decrypted: the setting native.secretKey is another one, or it was changed.";
        throw new SecretUnreadableError(message, { cause: thrown });
      }
    },
  };
}
