/** API keys for operators. A secret is shown once, by the call that made it. */

import { AiError, generateApiKey, isGranted } from "@openai-compat/core";
import type { ApiKeyRecord, ApiKeyStore, GrantedCapability, Principal } from "@openai-compat/core";
import { CAPABILITY_VERBS } from "@openai-compat/core";
import type { CreateKeyInput, CreatedKey, NativeKey } from "@openai-compat/spec";
import { askStore } from "../../../stores/ask-store.ts";
import type { NativeHandlers } from "../native-handlers.ts";
import { ENTRIES_DEFAULT } from "./bounds.ts";

export interface KeyOptions {
  readonly apiKeys: ApiKeyStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createKeyHandlers({
  apiKeys,
  now,
}: KeyOptions): Pick<NativeHandlers, "keys.list" | "keys.create" | "keys.revoke"> {
  return {
    async "keys.list"({ accountId, limit = ENTRIES_DEFAULT }) {
      const keys = await askStore(apiKeys.list());
      const listed = accountId === undefined ? keys : keys.filter((key) => key.accountId === accountId);
      return listed.slice(0, limit).map(describeKey);
    },
    "keys.create": (input, { authorised }) =>
      createKey(input, { apiKeys, principal: authorised.principal, nowMs: now() }),
    async "keys.revoke"({ id }) {
      if (!(await askStore(apiKeys.revoke(id, now())))) {
        throw new AiError("not_found", `There is no key '${id.slice(0, ID_LENGTH_SHOWN)}'.`, { param: "id" });
      }
      return { id };
    },
  };
}

const ID_LENGTH_SHOWN = 100;

interface KeyScope {
  readonly apiKeys: ApiKeyStore;
  /** Who makes the key. */
  readonly principal: Principal;
  readonly nowMs: number;
}

/** @throws AiError `capability_missing` for more of the domain `operator` than its maker has; `invalid_value` */
async function createKey(input: CreateKeyInput, { apiKeys, principal, nowMs }: KeyScope): Promise<CreatedKey> {
  const { accountId, name, expiresAtMs = null } = input;
  const capabilities = input.capabilities.map(({ domain, can }): GrantedCapability => ({
    domain,
    pointers: ["*"],
    can,
  }));
  requireOwn(capabilities, principal);
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw new AiError("invalid_value", "Invalid 'expiresAtMs': expected a time to come.", { param: "expiresAtMs" });
  }
  const { secret, record } = generateApiKey({ accountId, name, capabilities, expiresAtMs, nowMs });
  await askStore(apiKeys.insert(record));
  return { key: describeKey(record), secret };
}

/** Who may make keys, and nothing else, must not make itself one that may do everything. */
function requireOwn(capabilities: readonly GrantedCapability[], principal: Principal): void {
  const granted = { capabilities };
  for (const can of CAPABILITY_VERBS) {
    const required = { domain: "operator", can } as const;
    if (!isGranted(granted, required) || isGranted(principal, required)) continue;
    const message = `A key can't be given ${can} in the domain "operator" by a credential that lacks it.`;
    throw new AiError("capability_missing", message, { param: "capabilities" });
  }
}

function describeKey({ secretSha256: _hash, capabilities, ...record }: ApiKeyRecord): NativeKey {
  return {
    ...record,
    capabilities: capabilities.map(({ domain, pointers, can }) => ({ domain, pointers: [...pointers], can: [...can] })),
  };
}
