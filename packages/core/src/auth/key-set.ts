/**
 * The issuer's public keys as of now: when the set is fetched, how long it is used, and which key a token's header asks
 * for. It checks no signature, and how a set is fetched is not its business.
 *
 * - A set is used for `maxAgeMs` without asking; then a call waits for a new one. A key that the issuer withdrew is
 *   therefore refused after `maxAgeMs` at the latest, as long as the issuer answers.
 * - Should the issuer not answer, the old set goes on for `staleGraceMs`, while one fetch per `cooldownMs` is tried
 *   beside the calls. After that every call that needs a key fails with `identity_unavailable`.
 * - A header that no key fits fetches once more, for the issuer may have a new key: at most once per `cooldownMs`,
 *   however many made-up key ids arrive.
 */

import { createLocalJWKSet, errors } from "jose";
import type { CryptoKey, JSONWebKeySet, JWTHeaderParameters } from "jose";
import { AiError } from "../ai-error.ts";

export interface KeySetSettings {
  /**
   * Asks the issuer for its set, in bounded time and size.
   *
   * @throws Error that says why there is no usable one; it is for the operator, not for a caller.
   */
  readonly fetchSet: () => Promise<JSONWebKeySet>;
  /** How long a set is used without asking for it again. */
  readonly maxAgeMs: number;
  /**
   * How much longer it is used while the issuer does not answer. It also delays the end of a withdrawn key: keep it
   * short.
   */
  readonly staleGraceMs: number;
  /** Between a fetch that failed, or one for an unknown key, and the next. */
  readonly cooldownMs: number;
}

export interface ResolvedKey {
  readonly key: CryptoKey;
  /** See `KeySet.usableRevision`. */
  readonly revision: number;
}

export interface KeySet {
  /**
   * A number that stays as long as the keys stay the same; what was verified under another is to be verified again.
   * Null when there is no set or a new one is due: then only `resolveKey` knows.
   */
  usableRevision(): number | null;
  /**
   * @returns null when no key of the set, or no single one, fits the header's `alg` and `kid`.
   * @throws AiError `identity_unavailable` when the issuer would have to be asked and does not answer.
   */
  resolveKey(header: JWTHeaderParameters): Promise<ResolvedKey | null>;
}

export interface KeySetOptions {
  readonly settings: KeySetSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called with each failed fetch, also with those that no call noticed. */
  readonly onFailure: (error: Error) => void;
}

interface Snapshot {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly content: string;
  readonly revision: number;
  readonly fetchedAtMs: number;
}

export function createKeySet(options: KeySetOptions): KeySet {
  const { settings, now } = options;
  let snapshot: Snapshot | null = null;
  let lastAttemptAtMs = Number.NEGATIVE_INFINITY;
  let lastFailure: Error | null = null;
  let pending: Promise<void> | null = null;

  const isFresh = (set: Snapshot) => isWithin(now(), set.fetchedAtMs, settings.maxAgeMs);
  const isInGrace = (set: Snapshot) => isWithin(now(), set.fetchedAtMs, settings.maxAgeMs + settings.staleGraceMs);
  const isCoolingDown = () => isWithin(now(), lastAttemptAtMs, settings.cooldownMs);

  /** The set is old but may be used, because the issuer was asked for a new one since it is old and did not answer. */
  function isInOutage(set: Snapshot): boolean {
    const wasAskedSince = !isWithin(lastAttemptAtMs, set.fetchedAtMs, settings.maxAgeMs);
    return lastFailure !== null && wasAskedSince && isInGrace(set);
  }

  /**
   * Never rejects: the failure is kept for the calls that need a key. Concurrent calls wait for the same fetch.
   */
  function refresh(): Promise<void> {
    pending ??= attempt().finally(() => {
      pending = null;
    });
    return pending;
  }

  async function attempt(): Promise<void> {
    const startedAtMs = now();
    lastAttemptAtMs = startedAtMs;
    try {
      snapshot = renewSnapshot(snapshot, await settings.fetchSet(), startedAtMs);
      lastFailure = null;
    } catch (thrown) {
      lastFailure = thrown instanceof Error ? thrown : new Error(String(thrown));
      options.onFailure(lastFailure);
    }
  }

  /** A fetch that failed a moment ago is not tried again yet. */
  async function refreshUnlessInVain(): Promise<void> {
    if (pending !== null || lastFailure === null || !isCoolingDown()) await refresh();
  }

  async function currentSnapshot(): Promise<Snapshot> {
    if (snapshot !== null && isFresh(snapshot)) return snapshot;
    if (snapshot !== null && isInOutage(snapshot)) {
      void refreshUnlessInVain();
      return snapshot;
    }
    await refreshUnlessInVain();
    if (snapshot === null || !isInGrace(snapshot)) throw failure();
    return snapshot;
  }

  function failure(): AiError {
    const nextAttemptInMs = lastAttemptAtMs + settings.cooldownMs - now();
    return createUnavailableError(lastFailure, { retryAfterMs: Math.max(nextAttemptInMs, RETRY_AFTER_MS_MIN) });
  }

  return {
    usableRevision() {
      if (snapshot === null) return null;
      const needsNoFetch = isFresh(snapshot) || (isInOutage(snapshot) && isCoolingDown());
      return needsNoFetch ? snapshot.revision : null;
    },
    async resolveKey(header) {
      const first = await findKey(await currentSnapshot(), header);
      if (first !== null) return first;
      if (pending !== null || !isCoolingDown()) await refresh();
      const second = await findKey(await currentSnapshot(), header);
      if (second === null && lastFailure !== null) throw failure();
      return second;
    },
  };
}

const RETRY_AFTER_MS_MIN = 1000;

function createUnavailableError(cause: unknown, options: { readonly retryAfterMs?: number } = {}): AiError {
  const message = "Tokens can't be checked at the moment. Please try again.";
  return new AiError("identity_unavailable", message, { ...options, cause });
}

async function findKey({ find, revision }: Snapshot, header: JWTHeaderParameters): Promise<ResolvedKey | null> {
  try {
    return { key: await find(header), revision };
  } catch (thrown) {
    if (thrown instanceof errors.JWKSNoMatchingKey || thrown instanceof errors.JWKSMultipleMatchingKeys) return null;
    // What the issuer published under this id is no key.
    throw createUnavailableError(thrown);
  }
}

/** The imported keys are kept when the document is the one that is in use already. */
function renewSnapshot(previous: Snapshot | null, document: JSONWebKeySet, fetchedAtMs: number): Snapshot {
  const content = JSON.stringify(document.keys);
  if (previous?.content === content) return { ...previous, fetchedAtMs };
  return { find: createLocalJWKSet(document), content, revision: (previous?.revision ?? 0) + 1, fetchedAtMs };
}

/** A clock that was set back counts as time that has passed: nothing lives longer for it. */
function isWithin(nowMs: number, sinceMs: number, spanMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < spanMs;
}
