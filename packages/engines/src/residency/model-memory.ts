/**
 * The memory that the models of a process share. Before a model loads it gets room here; where there is none, the least
 * recently used models leave. It counts what models say that they need, and measures nothing.
 *
 * Who waits is served first come, first served, and nobody overtakes: a small model never goes before a large one that came
 * first. A model with running calls leaves when they have ended, and takes no new ones from then on that it was chosen:
 * those line up behind. So every wait ends as long as calls end, and a call that holds one model must never wait for
 * another.
 *
 * @see docs/decisions/2026-11-28-models-take-turns-in-memory.md
 */

import { SYSTEM_CLOCK } from "./clock.ts";
import type { Clock } from "./clock.ts";

/** Memory that was given to a model, which is in use until it says otherwise. */
export interface Room {
  /** The model is loaded. */
  ready(): void;
  /** A call begins to use it. */
  use(): void;
  /** No call uses it. */
  rest(): void;
  /** It was unloaded, or failed to load. Later calls change nothing. */
  free(): void;
}

export interface RoomRequest {
  readonly bytes: number;
  /** Is called at most once: take no new call, unload after the last one, then free the room. */
  readonly leave: () => void;
}

export interface ModelMemory {
  /** What all models may take together; null: no limit. */
  readonly bytesMax: number | null;
  /** What loaded and loading models take now, those included that are leaving. */
  readonly bytesTaken: number;
  /** @throws ModelTooLargeError at once where it would not fit alone; the signal's reason */
  reserve(request: RoomRequest, signal: AbortSignal): Promise<Room>;
}

export interface ModelMemoryOptions {
  /** Null: no limit. */
  readonly bytesMax: number | null;
  /**
   * For how long after a load, or after its last use, a model is left alone: a call that was prepared on it comes back to
   * it within a moment. Milliseconds, default 250.
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

interface Resident {
  readonly request: RoomRequest;
  /** Null while it loads. */
  readyAtMs: number | null;
  /** Null while it is in use. */
  restingSinceMs: number | null;
  isLeaving: boolean;
}

interface Waiter {
  readonly request: RoomRequest;
  readonly enter: (room: Room) => void;
  /** When it became the first in line; null before. */
  firstSinceMs: number | null;
}

const GRACE_MS_DEFAULT = 250;

export function createModelMemory(options: ModelMemoryOptions): ModelMemory {
  const { bytesMax, graceMs = GRACE_MS_DEFAULT, clock = SYSTEM_CLOCK } = options;
  /** Least recently used first. */
  const residents = new Set<Resident>();
  const waiting = new Set<Waiter>();
  let stopTimer = (): void => {};

  const limit = bytesMax ?? Number.POSITIVE_INFINITY;
  const taken = () => sumBytes(residents);

  /** Lets in who fits, then makes the others leave for who is first in line. */
  function advance(): void {
    stopTimer();
    for (const waiter of waiting) {
      const excess = taken() + waiter.request.bytes - limit;
      if (excess > 0) {
        waiter.firstSinceMs ??= clock.nowMs();
        makeRoom(excess, waiter.firstSinceMs);
        return;
      }
      waiting.delete(waiter);
      waiter.enter(openRoom(waiter.request, { residents, clock, advance }));
    }
  }

  function makeRoom(excess: number, firstSinceMs: number): void {
    const nowMs = clock.nowMs();
    const waitsMs: number[] = [];
    for (const resident of chooseLeaving(residents, excess)) {
      const dueMs = findDueTime(resident, firstSinceMs + graceMs, graceMs);
      if (dueMs === null) continue;
      if (dueMs > nowMs) {
        waitsMs.push(dueMs - nowMs);
        continue;
      }
      resident.isLeaving = true;
      resident.request.leave();
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
      return lineUp({ request, waiting, advance }, signal);
    },
  };
}

interface Town {
  /** Least recently used first. */
  readonly residents: Set<Resident>;
  readonly clock: Clock;
  /** Looks whether somebody can go on. */
  readonly advance: () => void;
}

function openRoom(request: RoomRequest, { residents, clock, advance }: Town): Room {
  const resident: Resident = { request, readyAtMs: null, restingSinceMs: null, isLeaving: false };
  const makeLatest = (): void => {
    if (residents.delete(resident)) residents.add(resident);
  };
  residents.add(resident);
  return {
    ready() {
      resident.readyAtMs = clock.nowMs();
      advance();
    },
    use() {
      resident.restingSinceMs = null;
      makeLatest();
    },
    rest() {
      resident.restingSinceMs = clock.nowMs();
      makeLatest();
      advance();
    },
    free() {
      if (residents.delete(resident)) advance();
    },
  };
}

interface Line {
  readonly request: RoomRequest;
  readonly waiting: Set<Waiter>;
  readonly advance: () => void;
}

/** Resolves with the room when it is this request's turn. */
function lineUp({ request, waiting, advance }: Line, signal: AbortSignal): Promise<Room> {
  return new Promise<Room>((resolve, reject) => {
    const waiter: Waiter = {
      request,
      enter(room) {
        signal.removeEventListener("abort", leave);
        resolve(room);
      },
      firstSinceMs: null,
    };
    function leave(): void {
      waiting.delete(waiter);
      const reason: unknown = signal.reason;
      reject(reason);
      advance();
    }
    signal.addEventListener("abort", leave, { once: true });
    waiting.add(waiter);
    advance();
  });
}

/** Beside those that leave already, as few as are needed: the resting ones first, each kind by its last use. */
function chooseLeaving(residents: ReadonlySet<Resident>, excess: number): readonly Resident[] {
  const staying = [...residents].filter(({ isLeaving }) => !isLeaving);
  const resting = staying.filter(({ restingSinceMs }) => restingSinceMs !== null);
  const used = staying.filter(({ restingSinceMs }) => restingSinceMs === null);
  let missing = excess - sumBytes([...residents].filter(({ isLeaving }) => isLeaving));
  const chosen: Resident[] = [];
  for (const resident of [...resting, ...used]) {
    if (missing <= 0) break;
    chosen.push(resident);
    missing -= resident.request.bytes;
  }
  return chosen;
}

/**
 * When a chosen model has to leave: once it rests for the grace, at the latest when the first in line has waited for it,
 * and in no case sooner after its load. Null while it loads: it will be asked again.
 */
function findDueTime({ readyAtMs, restingSinceMs }: Resident, latestMs: number, graceMs: number): number | null {
  if (readyAtMs === null) return null;
  const restedMs = restingSinceMs === null ? latestMs : Math.min(latestMs, restingSinceMs + graceMs);
  return Math.max(restedMs, readyAtMs + graceMs);
}

function sumBytes(residents: Iterable<Resident>): number {
  let sum = 0;
  for (const { request } of residents) sum += request.bytes;
  return sum;
}
