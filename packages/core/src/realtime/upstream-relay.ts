/**
 * A realtime session that passes between its caller and an upstream: frames both ways at the pace of their readers, and
 * none that credits are not held for. It knows no event.
 */

import { toAiError } from "../ai-error.ts";
import type { AiError, AiErrorCode } from "../ai-error.ts";
import type { AdmittedCall } from "../call.ts";
import type { RealtimeFrame, UpstreamRealtime } from "../engine/upstream-realtime.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { UsageUnits } from "../usage.ts";
import { createHandover } from "./handover.ts";
import type { Handover } from "./handover.ts";
import type { RealtimeCounts, RealtimeEndReason, RealtimeError } from "./realtime-session.ts";
import { describeError } from "./session-ends.ts";

export type RelayEvent =
  /** As the upstream sent it, but for names. */
  | { readonly type: "frame"; readonly text: string }
  /** @property causedBy the id that the caller gave to the event that is refused; null where none is */
  | { readonly type: "error"; readonly error: RealtimeError; readonly causedBy: string | null }
  /** The last one. */
  | RelayEnd;

export interface RelayEnd {
  readonly type: "end";
  readonly reason: RealtimeEndReason | "upstream";
  /** What the caller was told before; null where there was nothing to tell. */
  readonly error: RealtimeError | null;
  /** How the upstream has closed the session; null where it has not. */
  readonly close: { readonly code: number; readonly reason: string } | null;
}

export interface RelayParts {
  readonly call: AdmittedCall<RegisteredModel>;
  readonly upstream: UpstreamRealtime;
  /** What credits are held for at once; the first is held already. */
  readonly stretch: UsageUnits;
}

export class UpstreamRelay {
  readonly #parts: RelayParts;
  readonly #handover: Handover<RelayEvent> = createHandover();
  readonly #ended = Promise.withResolvers<AiError | null>();
  #held: UsageUnits;
  #holding: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#held = parts.stretch;
  }

  get counts(): RealtimeCounts {
    const { upstream } = this.#parts;
    return { ...upstream.counts(), heardMs: upstream.usage(false).units.audioMs };
  }

  /** In order; taken once. */
  get events(): AsyncIterable<RelayEvent> {
    return this.#handover.events;
  }

  /**
   * Passes on what the upstream sends, until the session ends.
   *
   * @throws AiError what has ended it
   */
  async run(): Promise<void> {
    void this.#passOn();
    const error = await this.#ended.promise;
    if (error !== null) throw error;
  }

  /** Resolves when the upstream's connection has taken the frame: until then its caller reads no further. */
  async receive(frame: RealtimeFrame): Promise<void> {
    if (this.#isOver) return;
    const { upstream } = this.#parts;
    let text: string;
    try {
      text = upstream.encode(frame);
    } catch (thrown) {
      const causedBy = frame.event["event_id"];
      const error = describeError(toAiError(thrown, this.#parts.call.signal));
      await this.#handover.add({ type: "error", error, causedBy: typeof causedBy === "string" ? causedBy : null });
      return;
    }
    try {
      await this.#account();
      if (!this.#isOver) await upstream.send(text);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Ends it from this side, once. @param error what is reported to its caller; null for nothing */
  end(reason: RealtimeEndReason, error: RealtimeError | null): void {
    this.#end({ reason, error, close: null });
  }

  async #passOn(): Promise<void> {
    const { upstream } = this.#parts;
    try {
      for await (const frame of upstream.frames) {
        await this.#account();
        if (frame.type === "upstream-frame") await this.#handover.add({ type: "frame", text: frame.text });
        else this.#end({ reason: "upstream", error: null, close: { code: frame.code, reason: frame.reason } });
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Says what has been used, and holds credits for what may be. @throws AiError `quota_exceeded`, `billing_unavailable` */
  async #account(): Promise<void> {
    const { upstream } = this.#parts;
    this.#report(false);
    const holding = this.#holding.then(() => this.#holdFor(upstream.maxUsage()));
    this.#holding = holding.catch(() => {});
    try {
      await holding;
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async #holdFor(most: UsageUnits): Promise<void> {
    const { call, stretch } = this.#parts;
    const more = mapUnits((unit) =>
      most[unit] > this.#held[unit] ? most[unit] - this.#held[unit] + stretch[unit] : 0,
    );
    if (Object.values(more).every((count) => count === 0)) return;
    await call.extend(more);
    const before = this.#held;
    this.#held = mapUnits((unit) => before[unit] + more[unit]);
  }

  /** Nothing is reported before something was used: what then fails costs nothing. */
  #report(isBroken: boolean): void {
    const { call, upstream } = this.#parts;
    const { units, source } = upstream.usage(isBroken);
    const isUsed = Object.values(units).some((count) => count > 0);
    if (isUsed || call.meter.firstReportAtMs !== null) call.meter.report(units, source);
  }

  #fail(thrown: unknown): void {
    const failure = toAiError(thrown, this.#parts.call.signal);
    const reason = END_REASONS[failure.code] ?? "failed";
    const error = reason === "disconnected" ? null : describeError(failure);
    this.#end({ reason, error, close: null }, failure);
  }

  /** @param failure what has broken it; null where nothing has */
  #end({ reason, error, close }: Omit<RelayEnd, "type">, failure: AiError | null = null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#report(failure?.code.startsWith("upstream_") === true);
    if (error !== null) void this.#handover.add({ type: "error", error, causedBy: null });
    void this.#handover.add({ type: "end", reason, error, close });
    this.#handover.end();
    this.#parts.upstream.close();
    this.#ended.resolve(failure);
  }
}

/** What a failure ends the session as; for all others the session has failed. */
const END_REASONS: Partial<Readonly<Record<AiErrorCode, RealtimeEndReason>>> = {
  cancelled: "disconnected",
  quota_exceeded: "quota",
  call_timeout: "expired",
};

function mapUnits(count: (unit: keyof UsageUnits) => number): UsageUnits {
  return {
    inputTokens: count("inputTokens"),
    cachedTokens: 0,
    outputTokens: count("outputTokens"),
    audioMs: count("audioMs"),
    characters: 0,
  };
}
