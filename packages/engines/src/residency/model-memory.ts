/**
 * The memory that the models of a process share. Memory is reserved here before a model loads; where none is free, the
 * least recently used models are evicted. It adds up the models' own estimates, and measures nothing.
 *
 * Reservations are queued first come, first served: a small model never overtakes a large one that came first. A model
 * with running calls is unloaded when they have ended, and accepts no new ones once it is evicted: those are queued
 * behind. So every wait ends as long as calls end, and a call that holds one model must never wait for another.
 *
 * @see docs/decisions/2026-11-28-models-take-turns-in-memory.md
 */

import { SYSTEM_CLOCK } from "./clock.ts";
import type { Clock } from "./clock.ts";

/** Memory that is reserved for a model, which counts as in use until it is marked otherwise. */
export interface MemoryReservation {
  /** The model is loaded. */
  markLoaded(): void;
  /** A call begins to use it. */
  markInUse(): void;
  /** No call uses it. */
  markIdle(): void;
  /** It was unloaded, or failed to load. Later calls change nothing. */
  release(): void;
}

export interface ReservationRequest {
  readonly bytes: number;
  /** Called at most once: accept no new call, unload after the last one, then release the reservation. */
  readonly evict: () => void;
}

export interface ModelMemory {
  /** What all models may take together; null: no limit. */
  readonly bytesMax: number | null;
  /** What loaded and loading models take now, evicted ones included until they are unloaded. */
  readonly bytesTaken: number;
  /** @throws ModelTooLargeError at once where it would not fit alone; the signal's reason */
  reserve(request: ReservationRequest, signal: AbortSignal): Promise<MemoryReservation>;
}

export interface ModelMemoryOptions {
  /** Null: no limit. */
  readonly bytesMax: number | null;
  /**
   * For how long after its load a model is not evicted, and after its last use, at most until the first waiter has waited
   * for as long: then a model in use is chosen too. A call that was prepared on it comes back to it within a moment.
   * Milliseconds, default 250.
   */
  readonly graceMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** More than all models together may take. */
export class ModelTooLargeError extends Error {
  override readonly name = "ModelTooLargeError";
  readonly bytes: number;
  readonly bytesMax: number;

  constructor(bytes: number, bytesMax: number) {
    super(`The model needs ${bytes} bytes, more than the ${bytesMax} that all models together may take.`);
    this.bytes = bytes;
    this.bytesMax = bytesMax;
  }
}

interface LoadedModelEntry {
  readonly request: ReservationRequest;
  /** Null while it loads. */
  loadedAtMs: number | null;
  /** Null while it is in use. */
  idleSinceMs: number | null;
  isEvicted: boolean;
}

interface Waiter {
  readonly request: ReservationRequest;
  readonly grant: (reservation: MemoryReservation) => void;
  /** When it became the first of the queue; null before. */
  firstSinceMs: number | null;
}

const GRACE_MS_DEFAULT = 250;

export function createModelMemory(options: ModelMemoryOptions): ModelMemory {
  const { bytesMax, graceMs = GRACE_MS_DEFAULT, clock = SYSTEM_CLOCK } = options;
  /** Least recently used first. */
  const entries = new Set<LoadedModelEntry>();
  const queue = new Set<Waiter>();
  let stopTimer = (): void => {};

  const limit = bytesMax ?? Number.POSITIVE_INFINITY;
  const taken = () => sumBytes(entries);

  /** Grants what fits, then evicts for the first of the queue. */
  function advance(): void {
    stopTimer();
    for (const waiter of queue) {
      const excess = taken() + waiter.request.bytes - limit;
      if (excess > 0) {
        waiter.firstSinceMs ??= clock.nowMs();
        evict(excess, waiter.firstSinceMs);
        return;
      }
      queue.delete(waiter);
      waiter.grant(openReservation(waiter.request, { entries, clock, advance }));
    }
  }

  function evict(excess: number, firstSinceMs: number): void {
    const nowMs = clock.nowMs();
    const waitsMs: number[] = [];
    for (const entry of chooseEvictions(entries, excess)) {
      const dueMs = findEvictionTime(entry, firstSinceMs + graceMs, graceMs);
      if (dueMs === null) continue;
      if (dueMs > nowMs) {
        waitsMs.push(dueMs - nowMs);
        continue;
      }
      entry.isEvicted = true;
      entry.request.evict();
    }
    if (waitsMs.length > 0) stopTimer = clock.after(Math.min(...waitsMs), advance, "awaited");
  }

  return {
    bytesMax,
    get bytesTaken() {
      return taken();
    },
    async reserve(request, signal) {
      signal.throwIfAborted();
      if (request.bytes > limit) throw new ModelTooLargeError(request.bytes, limit);
      return enqueue(request, { queue, advance, signal });
    },
  };
}

interface ReservationContext {
  /** Least recently used first. */
  readonly entries: Set<LoadedModelEntry>;
  readonly clock: Clock;
  /** Looks whether a waiter can go on. */
  readonly advance: () => void;
}

function openReservation(
  request: ReservationRequest,
  { entries, clock, advance }: ReservationContext,
): MemoryReservation {
  const entry: LoadedModelEntry = { request, loadedAtMs: null, idleSinceMs: null, isEvicted: false };
  const makeLatest = (): void => {
    if (entries.delete(entry)) entries.add(entry);
  };
  entries.add(entry);
  return {
    markLoaded() {
      entry.loadedAtMs = clock.nowMs();
      advance();
    },
    markInUse() {
      entry.idleSinceMs = null;
      makeLatest();
    },
    markIdle() {
      entry.idleSinceMs = clock.nowMs();
      makeLatest();
      advance();
    },
    release() {
      if (entries.delete(entry)) advance();
    },
  };
}

interface QueueContext {
  readonly queue: Set<Waiter>;
  readonly advance: () => void;
  readonly signal: AbortSignal;
}

/** Resolves with the reservation when it is this request's turn. */
function enqueue(request: ReservationRequest, { queue, advance, signal }: QueueContext): Promise<MemoryReservation> {
  return new Promise<MemoryReservation>((resolve, reject) => {
    const waiter: Waiter = {
      request,
      grant(reservation) {
        signal.removeEventListener("abort", giveUp);
        resolve(reservation);
      },
      firstSinceMs: null,
    };
    function giveUp(): void {
      queue.delete(waiter);
      const reason: unknown = signal.reason;
      reject(reason);
      advance();
    }
    signal.addEventListener("abort", giveUp, { once: true });
    queue.add(waiter);
    advance();
  });
}

/** Beside those that are evicted already, as few as are needed: the idle ones first, each kind by its last use. */
function chooseEvictions(entries: ReadonlySet<LoadedModelEntry>, excess: number): readonly LoadedModelEntry[] {
  const remaining = [...entries].filter(({ isEvicted }) => !isEvicted);
  const idle = remaining.filter(({ idleSinceMs }) => idleSinceMs !== null);
  const inUse = remaining.filter(({ idleSinceMs }) => idleSinceMs === null);
  let missing = excess - sumBytes([...entries].filter(({ isEvicted }) => isEvicted));
  const chosen: LoadedModelEntry[] = [];
  for (const entry of [...idle, ...inUse]) {
    if (missing <= 0) break;
    chosen.push(entry);
    missing -= entry.request.bytes;
  }
  return chosen;
}

/**
 * When a chosen model is evicted: once it has been idle for the grace time, at the latest when the first of the queue
 * has waited for that time, and in no case sooner after its load. Null while it loads: it will be asked again.
 */
function findEvictionTime(
  { loadedAtMs, idleSinceMs }: LoadedModelEntry,
  latestMs: number,
  graceMs: number,
): number | null {
  if (loadedAtMs === null) return null;
  const idleMs = idleSinceMs === null ? latestMs : Math.min(latestMs, idleSinceMs + graceMs);
  return Math.max(idleMs, loadedAtMs + graceMs);
}

function sumBytes(entries: Iterable<LoadedModelEntry>): number {
  let sum = 0;
  for (const { request } of entries) sum += request.bytes;
  return sum;
}
