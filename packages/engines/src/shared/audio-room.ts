/**
 * Bytes that recordings take in parts as they grow, within a bound. Whoever has begun comes before others; of those that
 * have not, each waits for the one before, so that a small recording does not overtake a large one.
 */

import { AiError } from "@openai-compat/core";

/** Of one recording. */
export interface RoomShare {
  /** Resolves when there is room. @throws AiError `queue_timeout`; the signal's reason */
  grow(bytes: number, signal: AbortSignal): Promise<void>;
  /** It will not grow any more. */
  end(): void;
  free(): void;
}

interface Waiter {
  readonly share: Share;
  readonly bytes: number;
  readonly enter: () => void;
}

interface AudioRoom {
  open(): RoomShare;
}

export function createAudioRoom(bytesMax: number, waitMsMax: number): AudioRoom {
  return new Room(bytesMax, waitMsMax);
}

class Room implements AudioRoom {
  readonly #bytesMax: number;
  readonly #waitMsMax: number;
  readonly #waiting = new Set<Waiter>();
  /** In the order in which they began. */
  readonly #growing = new Set<Share>();
  readonly #ended = new Set<Share>();
  #bytesTaken = 0;

  constructor(bytesMax: number, waitMsMax: number) {
    this.#bytesMax = bytesMax;
    this.#waitMsMax = waitMsMax;
  }

  open(): RoomShare {
    return new Share(this);
  }

  async take(share: Share, bytes: number, signal: AbortSignal): Promise<void> {
    const isBehind = share.bytes === 0 && this.#waiting.size > 0;
    if (isBehind || !this.#hasRoom(share, bytes)) return this.#wait(share, bytes, signal);
    this.#give(share, bytes);
  }

  end(share: Share): void {
    if (this.#growing.delete(share)) this.#ended.add(share);
  }

  free(share: Share): void {
    this.#growing.delete(share);
    this.#ended.delete(share);
    this.#bytesTaken -= share.bytes;
    share.bytes = 0;
    this.#admitWaiting();
  }

  /** Where none is whole yet, nobody would free any: then the first one goes on, also beyond the bound. */
  #hasRoom(share: Share, bytes: number): boolean {
    const [first = share] = this.#growing;
    return this.#bytesTaken + bytes <= this.#bytesMax || (this.#ended.size === 0 && first === share);
  }

  #give(share: Share, bytes: number): void {
    share.bytes += bytes;
    this.#bytesTaken += bytes;
    this.#growing.add(share);
  }

  #admitWaiting(): void {
    let isBlocked = false;
    const hasBegun = ({ share }: Waiter) => share.bytes > 0;
    for (const waiter of [...this.#waiting].toSorted(
      (left, right) => Number(hasBegun(right)) - Number(hasBegun(left)),
    )) {
      if (!hasBegun(waiter) && isBlocked) return;
      if (!this.#hasRoom(waiter.share, waiter.bytes)) {
        isBlocked = true;
        continue;
      }
      this.#give(waiter.share, waiter.bytes);
      waiter.enter();
    }
  }

  #wait(share: Share, bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#waiting.delete(waiter);
      };
      const refuse = (reason: unknown) => {
        end();
        reject(reason);
        this.#admitWaiting();
      };
      const enter = () => {
        end();
        resolve();
      };
      const abort = () => refuse(signal.reason);
      const waiter: Waiter = { share, bytes, enter };
      const timer = setTimeout(() => refuse(noRoom(this.#waitMsMax)), this.#waitMsMax);
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.add(waiter);
    });
  }
}

class Share implements RoomShare {
  bytes = 0;
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  async grow(bytes: number, signal: AbortSignal): Promise<void> {
    return this.#room.take(this, bytes, signal);
  }

  end(): void {
    this.#room.end(this);
  }

  free(): void {
    this.#room.free(this);
  }
}

function noRoom(waitMsMax: number): AiError {
  const message = `The recordings of other calls left no memory for this one within ${waitMsMax} ms. Please try again.`;
  return new AiError("queue_timeout", message, { retryAfterMs: 1000 });
}
