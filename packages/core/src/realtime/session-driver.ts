/**
 * Runs a realtime session: does what its machine says, with the engine, the clock and the credits, and tells the machine
 * what came of it. Each turn is a task of its own, so that its text goes out whatever else the session waits for.
 */

import { AiError, toAiError } from "../ai-error.ts";
import type { AuthorisedCall } from "../call.ts";
import type { LiveEvent, LiveTranscription } from "../engine/transcription-engine.ts";
import type { RunEvents } from "../pipeline.ts";
import { createWorkSlices } from "../work-slices.ts";
import { createAudioTimeline } from "./audio-timeline.ts";
import type { AudioReader, AudioTimeline } from "./audio-timeline.ts";
import { SAMPLES_PER_MS } from "./live-turn.ts";
import type { LiveTurnRequest } from "./live-turn.ts";
import { createOutputQueue } from "./output-queue.ts";
import type { OutputQueue } from "./output-queue.ts";
import { BYTES_PER_MS } from "./realtime-config.ts";
import type { RealtimeAudioFormat, RealtimeConfig } from "./realtime-config.ts";
import type {
  OpenRealtimeOptions,
  RealtimeAudioDecoder,
  RealtimeCounts,
  RealtimeEndReason,
  RealtimeError,
  RealtimeEvent,
  RealtimeInput,
  RealtimeLimits,
  RealtimeOutput,
  RealtimeSession,
} from "./realtime-session.ts";
import { SESSION_EXPIRED, SESSION_IDLE, SHUTTING_DOWN, describeError, isRefusal } from "./session-ends.ts";
import type { SessionAction, SessionEvent, TurnStart } from "./session-events.ts";
import { LOOKBACK_MS, createSessionMachine } from "./session-machine.ts";
import type { SessionMachine } from "./session-machine.ts";
import { createSessionTimers } from "./session-timers.ts";
import type { SessionTimers } from "./session-timers.ts";
import { watchSpeech } from "./speech-watch.ts";
import type { SpeechWatch } from "./speech-watch.ts";

export interface SessionDriverOptions extends Pick<OpenRealtimeOptions, "authoriseTurn" | "createDecoder" | "limits"> {
  readonly id: string;
  readonly config: RealtimeConfig;
  readonly defaultModel: string;
  readonly checkModel: (model: string) => AiError | null;
  /** Of a model that was checked. */
  readonly findLive: (model: string) => LiveTranscription;
  /** Admits a turn and runs it; it is settled when its events end. */
  readonly serveTurn: (call: AuthorisedCall, model: string, request: LiveTurnRequest) => Promise<RunEvents<LiveEvent>>;
  readonly turnTimeMsMax: number;
  readonly createId: (prefix: "item" | "event") => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called once, when every turn is settled and nothing follows. */
  readonly onEnd: () => void;
}

/** Events that wait for their reader beyond which it is given up. */
const OUTPUTS_MAX = 4096;
/** Turns and detectors of a session that have not ended, beyond which nothing more is taken from its client. */
const TASKS_MAX = 32;
/** Decoded at once. */
const DECODED_MS_MAX = 500;
/** A detector's turn begins before its speech; the most that a client may ask for is `prefixPaddingMs` of its settings. */
const PADDING_MS_MAX = 5000;

export function startSession(options: SessionDriverOptions): RealtimeSession {
  const driver = new Driver(options);
  driver.start();
  return driver;
}

interface RunningTurn {
  readonly reader: AudioReader;
  readonly aborted: AbortController;
}

class Driver implements RealtimeSession {
  readonly route = "local";
  readonly id: string;
  readonly #options: SessionDriverOptions;
  readonly #limits: RealtimeLimits;
  readonly #machine: SessionMachine;
  readonly #timeline: AudioTimeline;
  readonly #queue: OutputQueue<RealtimeOutput> = createOutputQueue(OUTPUTS_MAX);
  readonly #turns = new Map<string, RunningTurn>();
  /** Turns and detectors that have not ended, dropped ones among them. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #timers: SessionTimers;
  readonly #ended = Promise.withResolvers<void>();
  readonly #stopped = new AbortController();
  readonly #counts = { turns: 0, failedTurns: 0, heardMs: 0, receivedMs: 0 };
  #format: RealtimeAudioFormat;
  #decoder: RealtimeAudioDecoder;
  #watch: SpeechWatch | null = null;

  constructor(options: SessionDriverOptions) {
    const { id, config, defaultModel, checkModel, limits, now, createId, createDecoder } = options;
    this.id = id;
    this.#options = options;
    this.#limits = limits;
    this.#format = config.format;
    this.#decoder = createDecoder(config.format);
    this.#timeline = createAudioTimeline({ lookback: (LOOKBACK_MS + PADDING_MS_MAX) * SAMPLES_PER_MS });
    this.#machine = createSessionMachine({
      id,
      expiresAtMs: now() + limits.sessionMsMax,
      config,
      defaultModel,
      turnMsMax: limits.turnMsMax,
      createItemId: () => createId("item"),
      checkModel,
    });
    this.#timers = createSessionTimers(limits, {
      onExpire: () => this.#stop("expired", SESSION_EXPIRED, true),
      onIdle: () => this.#stop("idle", SESSION_IDLE, true),
      onCredentialDue: () => void this.#checkCredential(),
    });
  }

  get outputs(): AsyncIterable<RealtimeOutput> {
    return this.#queue.outputs;
  }

  get counts(): RealtimeCounts {
    return { ...this.#counts };
  }

  start(): void {
    this.#do(this.#machine.start());
  }

  async receive(input: RealtimeInput): Promise<void> {
    if (this.#machine.hasEnded) return;
    this.#timers.noteActivity();
    if (input.type === "append") await this.#append(input.bytes, input.eventId);
    else this.#handle(input);
    while (this.#tasks.size > TASKS_MAX) await Promise.race(this.#tasks);
  }

  async close(reason: "disconnected" | "shutting-down"): Promise<void> {
    if (reason === "shutting-down") this.#stop(reason, SHUTTING_DOWN, true);
    else this.#stop(reason, null, false);
    await this.#ended.promise;
  }

  /** A piece at a time: what is too much for now waits as bytes. */
  async #append(bytes: Uint8Array, eventId: string | null): Promise<void> {
    const pieceBytes = DECODED_MS_MAX * BYTES_PER_MS[this.#format];
    const slices = createWorkSlices({ signal: this.#stopped.signal });
    for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
      if (slices.isOver) await slices.next().catch(() => {});
      const piece = bytes.subarray(at, at + pieceBytes);
      const actions = this.#machine.handle({ type: "append", byteCount: piece.length, eventId });
      const isKept = actions.some(({ type }) => type === "keep-audio");
      this.#do(actions, piece);
      if (!isKept) return;
      await this.#timeline.waitForRoom(this.#limits.bufferMsMax * SAMPLES_PER_MS);
    }
  }

  #handle(event: SessionEvent): void {
    this.#do(this.#machine.handle(event));
  }

  #do(actions: readonly SessionAction[], appended: Uint8Array = NO_BYTES): void {
    for (const action of actions) {
      if (action.type === "keep-audio") this.#keepAudio(appended);
      else this.#act(action);
    }
  }

  #act(action: Exclude<SessionAction, { readonly type: "keep-audio" }>): void {
    switch (action.type) {
      case "send":
        return this.#send(action.event);
      case "open-turn":
        return this.#openTurn(action.turn);
      case "finish-turn":
        return this.#finishTurn(action.itemId, action.atMs);
      case "drop-turn":
        return this.#dropTurn(action.itemId);
      case "detect":
        return this.#detect(action);
      case "use-format":
        return this.#useFormat(action.format);
      case "end":
        return this.#end(action.reason, action.error);
    }
  }

  #keepAudio(bytes: Uint8Array): void {
    this.#counts.receivedMs += bytes.length / BYTES_PER_MS[this.#format];
    this.#timeline.add(this.#decoder.push(bytes));
  }

  #useFormat(format: RealtimeAudioFormat): void {
    this.#timeline.add(this.#decoder.flush());
    this.#format = format;
    this.#decoder = this.#options.createDecoder(format);
  }

  #openTurn(turn: TurnStart): void {
    const { fromMs, isDetected, itemId } = turn;
    const from = fromMs === null ? this.#timeline.end : Math.round(fromMs * SAMPLES_PER_MS);
    const leader = isDetected ? (this.#watch?.reader ?? null) : null;
    const reader = this.#timeline.read(from, leader);
    const aborted = new AbortController();
    this.#counts.turns += 1;
    const ended = this.#runTurn(turn, reader, aborted.signal).finally(() => {
      reader.close();
      this.#turns.delete(itemId);
    });
    this.#follow(ended);
    this.#turns.set(itemId, { reader, aborted });
  }

  #follow(task: Promise<void>): void {
    const ended = task.finally(() => this.#tasks.delete(ended));
    this.#tasks.add(ended);
  }

  #finishTurn(itemId: string, atMs: number | null): void {
    if (atMs === null) this.#timeline.add(this.#decoder.flush());
    const position = atMs === null ? this.#timeline.end : Math.round(atMs * SAMPLES_PER_MS);
    this.#turns.get(itemId)?.reader.finish(position);
  }

  #dropTurn(itemId: string): void {
    const turn = this.#turns.get(itemId);
    turn?.aborted.abort(new AiError("cancelled", "The turn was dropped."));
    turn?.reader.close();
  }

  /** Never rejects: what fails is said to the machine. */
  async #runTurn(turn: TurnStart, reader: AudioReader, aborted: AbortSignal): Promise<void> {
    const { itemId } = turn;
    try {
      const call = await this.#authorise(aborted);
      const events = await this.#options.serveTurn(call, turn.model, {
        audio: reader.pieces,
        options: turn.options,
        holdMs: this.#limits.holdMs,
        timeMsMax: this.#options.turnTimeMsMax,
      });
      await this.#passOn(itemId, events);
    } catch (thrown) {
      if (aborted.aborted) return;
      this.#counts.failedTurns += 1;
      const error = toAiError(thrown instanceof CredentialRefused ? thrown.cause : thrown);
      this.#handle({ type: "turn-failed", itemId, error: describeError(error), ends: chooseEnd(error, thrown) });
    }
  }

  async #passOn(itemId: string, events: RunEvents<LiveEvent>): Promise<void> {
    let heardMs = 0;
    let isComplete = false;
    for await (const event of events) {
      switch (event.type) {
        case "text-delta":
          this.#handle({ ...event, itemId });
          break;
        case "heard":
          this.#counts.heardMs += event.heardMs - heardMs;
          heardMs = event.heardMs;
          break;
        case "live-end": {
          const { language, tokens } = event;
          this.#handle({ type: "turn-completed", itemId, heardMs, language, tokens });
          isComplete = true;
        }
      }
    }
    // Its events end when it is settled.
    if (!isComplete) throw new AiError("engine_failed", "The transcription ended before its audio.");
  }

  /** @throws CredentialRefused */
  async #authorise(aborted: AbortSignal): Promise<AuthorisedCall> {
    try {
      const call = await this.#options.authoriseTurn();
      return { ...call, signal: AbortSignal.any([call.signal, aborted]) };
    } catch (thrown) {
      throw new CredentialRefused(thrown);
    }
  }

  async #checkCredential(): Promise<void> {
    try {
      await this.#options.authoriseTurn();
    } catch (thrown) {
      const error = toAiError(thrown);
      // An identity service that is away says nothing against the credential.
      if (isRefusal(error)) this.#stop("credential", describeError(error), false);
    }
  }

  #detect({ detection, model }: Extract<SessionAction, { readonly type: "detect" }>): void {
    this.#watch?.stop();
    this.#watch = null;
    if (detection === null) return;
    const watch: SpeechWatch = watchSpeech({
      timeline: this.#timeline,
      live: this.#options.findLive(model),
      detection,
      onBoundary: (boundary) => this.#handle(boundary),
      onLost: () => {
        this.#handle({ type: "detector-lost" });
        return Math.round(this.#machine.lastEndMs * SAMPLES_PER_MS);
      },
      onFailed: (error) => this.#stop("failed", describeError(error), true),
    });
    this.#watch = watch;
    this.#follow(watch.ended);
  }

  #stop(reason: RealtimeEndReason, error: RealtimeError | null, drains: boolean): void {
    this.#timers.stop();
    this.#handle({ type: "stop", reason, error, drains });
    if (drains && !this.#machine.hasEnded) this.#timers.startDrain(() => this.#stop(reason, error, false));
  }

  #send(event: RealtimeEvent): void {
    const hasRoom = this.#queue.push({ eventId: this.#options.createId("event"), ...event });
    // Not at once: the machine is not asked while its actions are done.
    if (!hasRoom) queueMicrotask(() => this.#stop("slow-reader", null, false));
  }

  #end(reason: RealtimeEndReason, error: RealtimeError | null): void {
    this.#timers.stop();
    this.#stopped.abort(new AiError("cancelled", "The session has ended."));
    this.#watch?.stop();
    this.#queue.push({ type: "end", reason, error });
    this.#queue.end();
    void Promise.allSettled(this.#tasks).then(() => {
      this.#ended.resolve();
      this.#options.onEnd();
    });
  }
}

const NO_BYTES = new Uint8Array(0);

/** The credential of a session is not good any more, or can't be examined. */
class CredentialRefused extends Error {
  constructor(cause: unknown) {
    super("The credential was refused.", { cause });
  }
}

function chooseEnd(error: AiError, thrown: unknown): RealtimeEndReason | null {
  if (error.code === "quota_exceeded") return "quota";
  return thrown instanceof CredentialRefused && isRefusal(error) ? "credential" : null;
}
