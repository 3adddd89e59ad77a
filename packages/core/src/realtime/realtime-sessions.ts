/** The realtime sessions of a service: which may open, with which model, and that all of them end. */

import { AiError } from "../ai-error.ts";
import type { CallGate } from "../call-kind.ts";
import type { AuthorisedCall } from "../call.ts";
import type { LiveTranscription } from "../engine/transcription-engine.ts";
import type { ReleaseEngine } from "../models/engine-uses.ts";
import { requireModel } from "../models/registry.ts";
import type { ModelRegistry, RegisteredModel } from "../models/registry.ts";
import { isLive, liveTurnCalls } from "./live-turn.ts";
import type { LiveEngine } from "./live-turn.ts";
import { applyPatch, createConfig } from "./realtime-config.ts";
import type { CallTarget } from "../pipeline.ts";
import type { OpenRealtimeOptions, RealtimeSession } from "./realtime-session.ts";
import { isRelaying, relayCalls } from "./relay-calls.ts";
import { createRelayedSession } from "./relayed-session.ts";
import type { OpenRelayOptions, RelayedSession } from "./relayed-session.ts";
import { startSession } from "./session-driver.ts";

export interface RealtimeSessions {
  /** @throws AiError see `AiService.openRealtime` */
  open(call: AuthorisedCall, options: OpenRealtimeOptions): Promise<RealtimeSession>;
  /** @throws AiError see `AiService.openRelay` */
  relay(call: AuthorisedCall, options: OpenRelayOptions): Promise<RelayedSession | null>;
  /** Ends those that are open, each as if the server were shutting down. */
  close(): Promise<void>;
}

export interface RealtimeSessionsOptions {
  readonly registry: ModelRegistry;
  readonly gate: CallGate;
  /** How long a turn may go on when its audio has ended. */
  readonly callTimeMsMax: number;
}

const DEFAULT_MODEL = "default";
/** The session's own time ends it before that of its call does. */
const RELAY_GRACE_MS = 60_000;

export function createRealtimeSessions({ registry, gate, callTimeMsMax }: RealtimeSessionsOptions): RealtimeSessions {
  const sessions = createOpenSessions();
  const models = createModelFinder(registry);

  async function start(
    call: AuthorisedCall,
    options: OpenRealtimeOptions,
    onEnd: () => void,
  ): Promise<RealtimeSession> {
    const { limits, patch, now = Date.now, createId = createRandomId } = options;
    const named = options.model !== null && models.check(options.model) === null ? options.model : null;
    const defaultModel = named ?? DEFAULT_MODEL;
    const type = options.intent === "transcription" ? "transcription" : "realtime";
    const fresh = createConfig({ type, model: options.model, transcriptionModel: defaultModel });
    const config = patch === null ? fresh : applyPatch(fresh, patch, defaultModel);
    const selector = config.transcription.model;
    const target = { call, selector, model: models.lookUp(selector) };
    const { releaseEngine } = await gate.resolve(target, liveTurnCalls.needs);
    const engines = createSessionEngines(gate, releaseEngine);
    try {
      return startSession({
        ...options,
        id: createId("sess"),
        config,
        defaultModel,
        checkModel: models.check,
        findLive: (model) => engines.use(models.findLive(model)),
        serveTurn: (turn, model, request) =>
          liveTurnCalls.calls.serve(gate, { call: turn, selector: model, model: models.lookUp(model) }, request),
        turnTimeMsMax: limits.turnMsMax + callTimeMsMax,
        createId,
        now,
        onEnd() {
          engines.release();
          onEnd();
        },
      });
    } catch (thrown) {
      engines.release();
      throw thrown;
    }
  }

  async function relay(target: CallTarget, options: OpenRelayOptions, onEnd: () => void): Promise<RelayedSession> {
    const { limits, intent, path, traceParent, authoriseTurn, update } = options;
    const run = await relayCalls.serve(gate, target, {
      intent,
      path,
      traceParent,
      isModel: (name) => models.lookUp(name)?.id === target.model?.id,
      timeMsMax: limits.sessionMsMax + RELAY_GRACE_MS,
      holdMs: limits.holdMs,
    });
    const session = createRelayedSession({ run, authoriseTurn, limits, onEnd });
    if (update !== null) void session.receive(update);
    return session;
  }

  return {
    open: (call, options) => sessions.hold((onEnd) => start(call, options, onEnd)),
    async relay(call, options) {
      const found = models.findRelayed([options.model, options.transcriptionModel, DEFAULT_MODEL]);
      if (found === null) return null;
      return sessions.hold((onEnd) => relay({ call, ...found }, options, onEnd));
    },
    close: () => sessions.close(),
  };
}

/**
 * The engines that listen for the speech of a session: they are in use until it ends, so that none is closed while it
 * listens.
 */
function createSessionEngines(gate: CallGate, releaseFirst: ReleaseEngine) {
  const held = new Map<LiveEngine | null, ReleaseEngine>([[null, releaseFirst]]);
  return {
    use(engine: LiveEngine): LiveTranscription {
      if (!held.has(engine)) held.set(engine, gate.hold(engine));
      return engine.live;
    },
    release() {
      for (const release of held.values()) release();
    },
  };
}

interface Closable {
  close(reason: "shutting-down"): Promise<void>;
}

function createOpenSessions() {
  const open = new Set<Closable>();
  return {
    /** @param begin called with what is called when the session has ended */
    async hold<Session extends Closable>(begin: (onEnd: () => void) => Promise<Session>): Promise<Session> {
      let hasEnded = false;
      let session: Session | null = null;
      const onEnd = () => {
        hasEnded = true;
        if (session !== null) open.delete(session);
      };
      session = await begin(onEnd);
      if (!hasEnded) open.add(session);
      return session;
    },
    async close(): Promise<void> {
      await Promise.all(Array.from(open, (session) => session.close("shutting-down")));
    },
  };
}

function createModelFinder(registry: ModelRegistry) {
  const lookUp = (selector: string) => registry.lookUp(selector, "transcription");
  const requireLive = (selector: string): LiveEngine => {
    const { id, engine }: RegisteredModel = requireModel(lookUp(selector), { selector, type: "transcription" });
    if (engine.type === "unavailable") throw engine.explain();
    if (isLive(engine)) return engine;
    const message = `The model '${id}' doesn't offer realtime transcription on this server.`;
    throw new AiError("not_implemented", message, { param: "model" });
  };
  return {
    lookUp,
    /** The first model that a name means; null where no upstream has its sessions. */
    findRelayed(selectors: readonly (string | null)[]): { selector: string; model: RegisteredModel } | null {
      for (const selector of selectors) {
        const model = selector === null ? null : lookUp(selector);
        if (selector === null || model?.type !== "transcription") continue;
        return model.engine.type !== "unavailable" && isRelaying(model.engine) ? { selector, model } : null;
      }
      return null;
    },
    findLive: requireLive,
    check: (selector: string): AiError | null => {
      try {
        requireLive(selector);
        return null;
      } catch (thrown) {
        if (thrown instanceof AiError) return thrown;
        throw thrown;
      }
    },
  };
}

function createRandomId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}
