/** Summaries that only this process can read, each for the account that got it. */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { isJsonObject } from "../../src/expect.ts";

const ALGORITHM = "aes-256-gcm";
const KEY = randomBytes(32);
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

export interface Summary {
  readonly account: string;
  readonly text: string;
}

export function sealSummary(summary: Summary): string {
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv(ALGORITHM, KEY, nonce);
  const sealed = [cipher.update(JSON.stringify(summary), "utf8"), cipher.final()];
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString("base64url");
}

/** Null for what was not sealed here. */
export function openSummary(sealed: unknown): Summary | null {
  const bytes = Buffer.from(String(sealed), "base64url");
  if (bytes.length < NONCE_LENGTH + TAG_LENGTH) return null;
  const decipher = createDecipheriv(ALGORITHM, KEY, bytes.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(bytes.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH));
  try {
    const start = decipher.update(bytes.subarray(NONCE_LENGTH + TAG_LENGTH));
    const value: unknown = JSON.parse(Buffer.concat([start, decipher.final()]).toString("utf8"));
    return isJsonObject(value) ? { account: String(value["account"]), text: String(value["text"]) } : null;
  } catch {
    // The tag is that of other bytes.
    return null;
  }
}
