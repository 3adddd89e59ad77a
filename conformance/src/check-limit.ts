/**
 * How long a check may take. What counts is silence: a slow model is waited for as long as something of an answer comes,
 * within a bound, and what gets nothing for the time limit is given up. A chat that sends more than is recorded, and goes
 * on, has no end.
 */

import type { Exchange } from "./exchange.ts";
import type { ExchangeRecording } from "./exchange-recording.ts";
import type { RunLimits } from "./limits.ts";
import { Failure, Inconclusive, type Signal } from "./outcome-signals.ts";

/** Operations whose answers are of a few tokens in every check. */
const SHORT_ANSWERS = /\/(?:chat\/)?completions$/;

/** Of what comes to the check, and of all of it. */
interface Timers {
  readonly silence: NodeJS.Timeout;
  readonly whole: NodeJS.Timeout;
}

export class CheckLimit {
  readonly #limits: RunLimits;
  readonly #runSignal: AbortSignal;
  #timers: Timers;
  #waits = 0;
  readonly #stop: () => void;
  #isOver = false;
  #expire: (signal: Signal) => void = () => {};

  /** Resolves when the check has to end, with how. */
  readonly expired: Promise<Signal>;

  constructor(limits: RunLimits, runSignal: AbortSignal) {
    this.#limits = limits;
    this.#runSignal = runSignal;
    this.expired = new Promise((resolve) => (this.#expire = resolve));
    this.#timers = this.#begin();
    this.#stop = () => this.#expire(new Inconclusive(describeStop(limits, runSignal), "timeout"));
    runSignal.addEventListener("abort", this.#stop, { once: true });
  }

  /** Called when something of an answer to one of the check's requests has come. */
  note(recording: ExchangeRecording): void {
    if (this.#isOver) return;
    this.#timers.silence.refresh();
    if (recording.bytes <= this.#limits.recordedBytesMax || !isShort(recording.url)) return;
    this.clear();
    const exchange = recording.snapshot();
    const actual = `more than ${this.#limits.recordedBytesMax} bytes, and no end`;
    this.#expire(new Failure({ observer: "wire", expected: "an answer that ends", actual, exchange }));
  }

  /** Called with what the check waits for while it asks nothing of the server: its time begins again afterwards. */
  async waitFor(settled: Promise<void>): Promise<void> {
    this.#waits += 1;
    clearTimers(this.#timers);
    await settled;
    this.#waits -= 1;
    if (!this.#isOver && this.#waits === 0) this.#timers = this.#begin();
  }

  /** Called when the check has ended. */
  clear(): void {
    this.#isOver = true;
    clearTimers(this.#timers);
    this.#runSignal.removeEventListener("abort", this.#stop);
  }

  #begin(): Timers {
    const { checkTimeoutMs, patienceFactorMax } = this.#limits;
    const wholeMs = checkTimeoutMs * patienceFactorMax;
    const silence = setTimeout(() => {
      this.#expire(new Inconclusive(`nothing came for ${checkTimeoutMs} ms (--timeout-ms)`, "timeout"));
    }, checkTimeoutMs);
    const whole = setTimeout(() => {
      const reason = `no result within ${wholeMs} ms, though answers came: ${patienceFactorMax} times --timeout-ms`;
      this.#expire(new Inconclusive(reason, "timeout"));
    }, wholeMs);
    return { silence, whole };
  }
}

function clearTimers({ silence, whole }: Timers): void {
  clearTimeout(silence);
  clearTimeout(whole);
}

/** Whether the answer outgrew what is recorded, where answers are short. */
export function isEndless({ request, response }: Exchange): boolean {
  return response !== null && response.truncated && response.end !== "clean" && isShort(request.url);
}

function isShort(url: string): boolean {
  return SHORT_ANSWERS.test(url);
}

export function describeStop({ runTimeoutMs }: Pick<RunLimits, "runTimeoutMs">, runSignal: AbortSignal): string {
  const reason: unknown = runSignal.reason;
  const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
  return timedOut ? `the whole run is limited to ${runTimeoutMs} ms (--run-timeout-ms)` : "the run was stopped";
}
