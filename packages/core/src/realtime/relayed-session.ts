/** A realtime session of an upstream's model as a surface has it: with the times that bound it, beside what passes. */

import { toAiError } from "../ai-error.ts";
import type { RealtimeFrame } from "../engine/upstream-realtime.ts";
import type { RelayRun } from "./relay-calls.ts";
import { createSessionTimers } from "./session-timers.ts";
import { SESSION_EXPIRED, SESSION_IDLE, SHUTTING_DOWN, describeError, isRefusal } from "./session-ends.ts";
import type { OpenRealtimeOptions, RealtimeCounts } from "./realtime-session.ts";
import type { RelayEvent } from "./upstream-relay.ts";

export interface RelayedSession {
  readonly route: "upstream";
  /** Resolves when the upstream has room for the next one: until then its caller reads no further. */
  receive(frame: RealtimeFrame): Promise<void>;
  /** In order; taken once, and as slowly as its reader likes: the upstream is read no faster. */
  readonly outputs: AsyncIterable<RelayEvent>;
  /** As of a local session, but nothing is waited for. Resolves when the session is paid for. */
  close(reason: "disconnected" | "shutting-down"): Promise<void>;
  readonly counts: RealtimeCounts;
}

/** As of a local session. */
export interface OpenRelayOptions extends Pick<OpenRealtimeOptions, "intent" | "model" | "authoriseTurn" | "limits"> {
  /** The model of the transcription, as the session is asked for to begin with; null where nothing is said of it. */
  readonly transcriptionModel: string | null;
  /** Below the upstream's base URL. */
  readonly path: string;
  /** What the upstream is sent first: what the session is asked for to begin with. Null for nothing. */
  readonly update: RealtimeFrame | null;
  /** Passed on for tracing (`traceparent`); null for none. */
  readonly traceParent: string | null;
}

export interface RelayedSessionOptions extends Pick<OpenRealtimeOptions, "authoriseTurn" | "limits"> {
  readonly run: RelayRun;
  /** Called once, when nothing follows. */
  readonly onEnd: () => void;
}

export function createRelayedSession({ run, authoriseTurn, limits, onEnd }: RelayedSessionOptions): RelayedSession {
  const { relay, settled } = run;
  const timers = createSessionTimers(limits, {
    onExpire: () => relay.end("expired", SESSION_EXPIRED),
    onIdle: () => relay.end("idle", SESSION_IDLE),
    onCredentialDue: () => void checkCredential(),
  });
  const ended = settled.then(() => {
    timers.stop();
    onEnd();
  });

  async function checkCredential(): Promise<void> {
    try {
      await authoriseTurn();
    } catch (thrown) {
      const error = toAiError(thrown);
      if (isRefusal(error)) relay.end("credential", describeError(error));
    }
  }

  return {
    route: "upstream",
    async receive(frame) {
      timers.noteActivity();
      await relay.receive(frame);
    },
    outputs: relay.events,
    async close(reason) {
      relay.end(reason, reason === "disconnected" ? null : SHUTTING_DOWN);
      await ended;
    },
    get counts() {
      return relay.counts;
    },
  };
}
