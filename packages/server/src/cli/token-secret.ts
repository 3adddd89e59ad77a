/**
 * How tokens are verified: the secret that signs them and where an issuer's keys are. A server that keeps nothing has a
 * secret of its own for each start; any other keeps it in the data directory.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JwtSettings, KeySetSettings } from "@openai-compat/core";
import type { Config } from "../config.ts";
import { fetchKeySet } from "../http/fetch-key-set.ts";
import { isPersistent, useDataDirectory } from "../stores/open-stores.ts";

const SECRET_BYTES = 32;
/** Of a secret in a file; what this program writes is longer. */
export const SECRET_LENGTH_MIN = 32;

/** In the data directory. */
export const SECRET_FILE = "jwt-secret";

/** @throws ConfigError when the secret is kept in the data directory and can't be read or made there. */
export function resolveJwt(config: Pick<Config, "auth" | "dataDirectory" | "store">): JwtSettings {
  const { auth } = config;
  return {
    secret: auth.jwtSecret ?? (isPersistent(config) ? readOrCreateSecret(config.dataDirectory) : createSecret()),
    issuer: auth.jwtIssuer,
    audience: auth.jwtAudience,
    clockToleranceSeconds: auth.clockToleranceSeconds,
    ...(auth.jwksUrl === null ? {} : { keySet: mapKeySetSettings(auth, auth.jwksUrl) }),
  };
}

function mapKeySetSettings(auth: Config["auth"], url: string): KeySetSettings {
  const { jwksTimeoutMs: timeoutMs, jwksBytesMax: bytesMax, jwksKeysMax: keysMax } = auth;
  return {
    fetchSet: () => fetchKeySet({ url, timeoutMs, bytesMax, keysMax }),
    maxAgeMs: auth.jwksMaxAgeMs,
    staleGraceMs: auth.jwksStaleGraceMs,
    cooldownMs: auth.jwksCooldownMs,
  };
}

function createSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

function readOrCreateSecret(dataDirectory: string): string {
  return useDataDirectory(dataDirectory, () => {
    const path = join(dataDirectory, SECRET_FILE);
    try {
      writeFileSync(path, createSecret(), { flag: "wx", mode: 0o600, flush: true });
    } catch (thrown) {
      // Two processes may start at once: the one that makes the file wins, the other reads it.
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
    }
    const secret = readFileSync(path, "utf8").trim();
    if (secret.length < SECRET_LENGTH_MIN) {
      throw new Error(`${path} holds fewer than ${SECRET_LENGTH_MIN} characters. Remove it to have a new secret made.`);
    }
    return secret;
  });
}
