/** The files of a certificate and its key, read once, when the server starts. */

import { createSecureContext } from "node:tls";
import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { TlsIdentity } from "../create-http.ts";
import { describeThrown } from "../describe-thrown.ts";

/** @throws ConfigError when a file can't be read, or the two don't belong together. */
export function readTls({ tls: { certPath, keyPath } }: Pick<Config, "tls">): TlsIdentity | null {
  if (certPath === null || keyPath === null) return null;
  try {
    const identity = { certificate: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
    createSecureContext({ cert: identity.certificate, key: identity.key });
    return identity;
  } catch (thrown) {
    throw new ConfigError(`tls.certPath and tls.keyPath can't be used: ${describeThrown(thrown)}`);
  }
}
