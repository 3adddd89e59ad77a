/**
 * Where responses that run in the background live while they run, and their events for a while after that: what another
 * process needs to show them, and to end them when the one that runs them is gone. Nobody sees another account's.
 *
 * A run has an owner and a lease. Only its owner adds events, and only while the lease has not been claimed by another.
 */

import type { WireObject } from "./response-store.ts";

export interface RunKey {
  readonly accountId: string;
  /** Of the response. */
  readonly id: string;
}

export interface NewResponseRun extends RunKey {
  /** Of the process that runs it. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly leaseUntilMs: number;
  /** What ends it without its process; opaque to the store. */
  readonly content: WireObject;
}

export interface StoredResponseRun extends Omit<NewResponseRun, "leaseUntilMs"> {
  /** Null: it has ended. */
  readonly leaseUntilMs: number | null;
  /** Its caller wants it to end. */
  readonly isCancelling: boolean;
  /** So many events are stored, numbered from 0. */
  readonly eventCount: number;
  /** What had been used when the last of these was stored; opaque. Null: nothing. */
  readonly checkpoint: WireObject | null;
}

export interface RunBatch {
  /** The number of its first event: as many as are stored. */
  readonly first: number;
  /** None renews the lease alone. */
  readonly events: readonly WireObject[];
  /** Null leaves it as it was. */
  readonly checkpoint: WireObject | null;
  readonly lease:
    | { readonly untilMs: number }
    /** The run has ended, and is kept so long. */
    | { readonly keptUntilMs: number };
}

export interface RunLimits {
  /** How many of an account may run. What begins at the same time on several connections may exceed it by as many. */
  readonly runningMax: number;
  /** How many that have ended are kept: the latest. */
  readonly endedMax: number;
}

/** `lost`: it has another owner, has ended or is gone; nothing was stored. */
export type RunState = "running" | "cancelling" | "lost";

export interface LapsedClaim {
  /** The new owner. */
  readonly owner: string;
  readonly nowMs: number;
  readonly leaseUntilMs: number;
  /** How many at most. */
  readonly limit: number;
}

export interface ResponseRunStore {
  /** @returns false when as many of the account run already. @throws Error when the id is taken */
  begin(run: NewResponseRun, limits: RunLimits): Promise<boolean>;
  find(key: RunKey): Promise<StoredResponseRun | null>;
  /** What has higher numbers than `after`, in order; a bounded number of them, none when there are none. */
  listEvents(key: RunKey, after: number): Promise<readonly WireObject[]>;
  /** By its number; null when there is none. */
  findEvent(key: RunKey, number: number): Promise<WireObject | null>;
  append(key: RunKey & Pick<NewResponseRun, "owner">, batch: RunBatch): Promise<RunState>;
  /** Tells its owner, who learns of it by its next `append`. @returns false when it does not run */
  cancel(key: RunKey): Promise<boolean>;
  /** Takes over runs whose lease has run out. */
  claimLapsed(claim: LapsedClaim): Promise<readonly StoredResponseRun[]>;
  /** With its events. @returns false when there is none */
  remove(key: RunKey): Promise<boolean>;
  /** Called by the sweeper. @returns how many runs were removed, a bounded number at a time */
  removeExpired(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
