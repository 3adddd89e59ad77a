/**
 * What happens in a realtime session, without a socket, an engine or a clock: an event goes in, actions come out in the
 * order in which they are to be done. Times are milliseconds from the first sample of the session.
 */

import type { AiError } from "../ai-error.ts";
import type { TokenProbability } from "../engine/chat-engine.ts";
import type { SpeechDetection } from "../engine/transcription-engine.ts";
import { BYTES_PER_MS, applyPatch, isSameDetection, resolveDetection } from "./realtime-config.ts";
import type { RealtimeConfig, RealtimePatch } from "./realtime-config.ts";
import type { RealtimeEndReason, RealtimeError, RealtimeEvent } from "./realtime-session.ts";
import type { OpenEvent, SessionAction, SessionEvent, TurnStart } from "./session-events.ts";
import { SESSION_ENDED } from "./session-ends.ts";
import { createSessionItems, itemNotFound } from "./session-items.ts";

export interface SessionMachineOptions {
  readonly id: string;
  readonly expiresAtMs: number;
  readonly config: RealtimeConfig;
  /** Of the transcription, where the client says none. */
  readonly defaultModel: string;
  readonly turnMsMax: number;
  readonly createItemId: () => string;
  /** @returns why it can't be used; null where it can */
  readonly checkModel: (model: string) => AiError | null;
}

export interface SessionMachine {
  start(): readonly SessionAction[];
  handle(event: SessionEvent): readonly SessionAction[];
  readonly hasEnded: boolean;
  /** Where the last turn ended: no audio belongs to two. */
  readonly lastEndMs: number;
}

/** A shorter buffer is not committed; OpenAI's own bound. */
const COMMIT_MS_MIN = 100;
/** How much audio that belongs to no turn is kept, the padding of a turn not counted. */
export const LOOKBACK_MS = 5000;
/** Of what is shown and has no effect, as JSON: it is merged, so it would grow with each update. */
const ECHO_CHARACTERS_MAX = 256 * 1024;

interface Turn {
  readonly itemId: string;
  readonly startMs: number;
  readonly logprobs: TokenProbability[] | null;
  isDetected: boolean;
  text: string;
  /** What was reported before the turn was committed. */
  result: RealtimeEvent | null;
}

interface Detecting {
  readonly detection: SpeechDetection;
  readonly model: string;
}

export function createSessionMachine(options: SessionMachineOptions): SessionMachine {
  return new Machine(options);
}

class Machine implements SessionMachine {
  readonly #options: SessionMachineOptions;
  #config: RealtimeConfig;
  #phase: "open" | "draining" | "ended" = "open";
  /** For the end of a drained session. */
  #end: Pick<Extract<SessionAction, { readonly type: "end" }>, "reason" | "error"> | null = null;
  #receivedMs = 0;
  #lastEndMs = 0;
  #open: Turn | null = null;
  /** Committed turns whose text is not complete. */
  readonly #pending = new Map<string, Turn>();
  readonly #items = createSessionItems();
  #previousItemId: string | null = null;
  #detecting: Detecting | null = null;
  #actions: SessionAction[] = [];

  constructor(options: SessionMachineOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  get hasEnded(): boolean {
    return this.#phase === "ended";
  }

  get lastEndMs(): number {
    return this.#lastEndMs;
  }

  start(): readonly SessionAction[] {
    this.#send({ type: "session-created", session: this.#view() });
    this.#detect();
    return this.#take();
  }

  handle(event: SessionEvent): readonly SessionAction[] {
    if (event.type === "text-delta") this.#addText(event);
    else if (event.type === "turn-completed") this.#completeTurn(event);
    else if (event.type === "turn-failed") this.#failTurn(event);
    else if (event.type === "stop") this.#stop(event);
    else if (this.#phase === "open") this.#handleOpen(event);
    return this.#take();
  }

  #handleOpen(event: OpenEvent): void {
    switch (event.type) {
      case "update":
        return this.#update(event.patch, event.eventId);
      case "append":
        return this.#append(event.byteCount, event.eventId);
      case "commit":
        return this.#commit(event.eventId);
      case "clear":
        return this.#clear();
      case "retrieve-item":
        return this.#retrieve(event.itemId, event.eventId);
      case "delete-item":
        return this.#delete(event.itemId, event.eventId);
      case "refuse":
        this.#refuse(event.error, event.eventId);
        if (event.ends) this.#stop({ reason: "refused", error: null, drains: false });
        return;
      case "speech-started":
        return this.#startSpeech(event.atMs);
      case "speech-stopped":
        return this.#stopSpeech(event.atMs);
      case "detector-lost":
        if (this.#open?.isDetected === true) this.#cutSpeech();
    }
  }

  #update(patch: RealtimePatch, eventId: string | null): void {
    const config = applyPatch(this.#config, patch, this.#options.defaultModel);
    const problem = this.#findProblem(patch, config);
    if (problem !== null) return this.#refuse(problem, eventId);
    const { format } = this.#config;
    this.#config = config;
    if (config.format !== format) this.#do({ type: "use-format", format: config.format });
    if (config.turnDetection === null && this.#open !== null) this.#open.isDetected = false;
    this.#detect();
    this.#send({ type: "session-updated", session: this.#view() });
  }

  #findProblem(patch: RealtimePatch, config: RealtimeConfig): RealtimeError | null {
    if (patch.type !== config.type) {
      const message = `Passing a ${patch.type} session update event to a ${config.type} session is not allowed.`;
      return { code: "session_type_fixed", message, param: "session.type" };
    }
    if (config.format !== this.#config.format && this.#open !== null) {
      const message = "The audio format can't change while the buffer holds audio. Commit or clear it first.";
      return { code: "format_in_use", message, param: "session.audio.input.format" };
    }
    if (JSON.stringify(config.echo).length > ECHO_CHARACTERS_MAX) {
      const message = `The session holds too much: at most ${ECHO_CHARACTERS_MAX} characters beside what it transcribes by.`;
      return { code: "invalid_value", message, param: "session" };
    }
    const refusal = this.#options.checkModel(config.transcription.model);
    if (refusal === null) return null;
    return { code: refusal.code, message: refusal.message, param: "session.audio.input.transcription.model" };
  }

  #append(byteCount: number, eventId: string | null): void {
    if (byteCount === 0) {
      const message = "The audio is empty: send base64 of at least one sample.";
      return this.#refuse({ code: "invalid_value", message, param: "audio" }, eventId);
    }
    const lengthMs = byteCount / BYTES_PER_MS[this.#config.format];
    if (this.#open === null && this.#detecting === null) this.#openTurn({ fromMs: null, isDetected: false });
    if (this.#open !== null && this.#receivedMs + lengthMs - this.#open.startMs > this.#options.turnMsMax) {
      if (this.#detecting === null) return this.#refuseLongTurn(eventId);
      this.#cutSpeech();
      // What the detector still has to say of the audio before the cut belongs to no turn any more.
      this.#detectAnew();
    }
    this.#do({ type: "keep-audio" });
    this.#receivedMs += lengthMs;
  }

  #refuseLongTurn(eventId: string | null): void {
    const message =
      `A turn has at most ${this.#options.turnMsMax} ms of audio. This audio was dropped: ` +
      "commit or clear the buffer, then append it again.";
    this.#refuse({ code: "turn_too_long", message, param: "audio" }, eventId);
  }

  #commit(eventId: string | null): void {
    const bufferedMs = this.#measureBuffer();
    if (bufferedMs < COMMIT_MS_MIN) {
      const message =
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, " +
        `but buffer only has ${bufferedMs.toFixed(2)}ms of audio.`;
      return this.#refuse({ code: "buffer_too_small", message, param: null }, eventId);
    }
    this.#open ??= this.#openTurn({ fromMs: this.#receivedMs - bufferedMs, isDetected: false });
    this.#finishTurn(this.#open, null);
    this.#detectAnew();
  }

  /** Without a turn, a detector's session holds what was heard last. */
  #measureBuffer(): number {
    if (this.#open !== null) return this.#receivedMs - this.#open.startMs;
    return this.#detecting === null ? 0 : Math.min(LOOKBACK_MS, this.#receivedMs - this.#lastEndMs);
  }

  #clear(): void {
    if (this.#open !== null) this.#do({ type: "drop-turn", itemId: this.#open.itemId });
    this.#open = null;
    this.#endAt(this.#receivedMs);
    this.#send({ type: "cleared" });
    this.#detectAnew();
  }

  #retrieve(itemId: string, eventId: string | null): void {
    const item = this.#items.find(itemId);
    if (item === null) return this.#refuse(itemNotFound(itemId), eventId);
    this.#send({ type: "item-retrieved", item });
  }

  /** A turn whose text is not complete gets none. */
  #delete(itemId: string, eventId: string | null): void {
    if (!this.#items.delete(itemId)) return this.#refuse(itemNotFound(itemId), eventId);
    if (this.#pending.delete(itemId)) this.#do({ type: "drop-turn", itemId });
    this.#send({ type: "item-deleted", itemId });
  }

  #startSpeech(atMs: number): void {
    if (this.#open !== null || this.#detecting === null) return;
    const fromMs = Math.min(this.#receivedMs, atMs - this.#detecting.detection.prefixPaddingMs);
    const startMs = Math.ceil(Math.max(this.#lastEndMs, fromMs));
    const { itemId } = this.#openTurn({ fromMs: startMs, isDetected: true });
    this.#send({ type: "speech-started", itemId, audioStartMs: startMs });
  }

  #stopSpeech(atMs: number): void {
    if (this.#open === null || this.#detecting === null) return;
    const endMs = Math.min(this.#receivedMs, atMs + this.#detecting.detection.silenceMs);
    this.#endSpeech(this.#open, Math.max(this.#open.startMs, endMs));
    this.#detect();
  }

  /** Ends the turn with what has come. */
  #cutSpeech(): void {
    if (this.#open !== null) this.#endSpeech(this.#open, this.#receivedMs);
  }

  #endSpeech(turn: Turn, endMs: number): void {
    const audioEndMs = Math.ceil(endMs);
    if (turn.isDetected) this.#send({ type: "speech-stopped", itemId: turn.itemId, audioEndMs });
    this.#finishTurn(turn, endMs);
  }

  #openTurn({ fromMs, isDetected }: Pick<TurnStart, "fromMs" | "isDetected">): Turn {
    const itemId = this.#options.createItemId();
    const { transcription, logprobs } = this.#config;
    const { model, language, languages, prompt } = transcription;
    const options = { languages: languages ?? (language === null ? null : [language]), prompt, logprobs };
    this.#do({ type: "open-turn", turn: { itemId, fromMs, isDetected, model, options } });
    const startMs = fromMs ?? this.#receivedMs;
    this.#open = { itemId, startMs, logprobs: logprobs ? [] : null, isDetected, text: "", result: null };
    return this.#open;
  }

  #finishTurn(turn: Turn, atMs: number | null): void {
    const { itemId } = turn;
    this.#open = null;
    this.#endAt(atMs ?? this.#receivedMs);
    const previousItemId = this.#previousItemId;
    const item = this.#items.add(itemId);
    this.#do({ type: "finish-turn", itemId, atMs });
    this.#send({ type: "committed", itemId, previousItemId });
    this.#send({ type: "item-added", item, previousItemId });
    this.#send({ type: "item-done", item, previousItemId });
    this.#previousItemId = itemId;
    if (turn.result === null) this.#pending.set(itemId, turn);
    else this.#sendResult(turn.result);
  }

  /** Rounded up, a turn may end a part of a millisecond after what has come. */
  #endAt(endMs: number): void {
    this.#lastEndMs = Math.max(this.#lastEndMs, endMs);
  }

  #addText({ itemId, text, logprobs }: Extract<SessionEvent, { readonly type: "text-delta" }>): void {
    const turn = this.#findTurn(itemId);
    if (turn === null) return;
    turn.text += text;
    turn.logprobs?.push(...(logprobs ?? []));
    this.#send({ type: "text-delta", itemId, text, logprobs });
  }

  #completeTurn({
    itemId,
    heardMs,
    language,
    tokens,
  }: Extract<SessionEvent, { readonly type: "turn-completed" }>): void {
    const turn = this.#findTurn(itemId);
    if (turn === null) return;
    const { text, logprobs } = turn;
    this.#endTurn(turn, { type: "turn-completed", itemId, text, logprobs, heardMs, language, tokens });
  }

  #failTurn({ itemId, error, ends }: Extract<SessionEvent, { readonly type: "turn-failed" }>): void {
    const turn = this.#findTurn(itemId);
    if (turn !== null) this.#endTurn(turn, { type: "turn-failed", itemId, error });
    if (ends !== null) this.#stop({ reason: ends, error, drains: false });
  }

  /** The client knows an item from its commit on; what it hasn't committed itself is committed first. */
  #endTurn(turn: Turn, result: RealtimeEvent): void {
    turn.result ??= result;
    if (this.#pending.delete(turn.itemId)) this.#sendResult(result);
    else if (turn.isDetected) this.#cutSpeech();
    if (this.#phase === "draining") this.#endDrained();
  }

  #sendResult(result: RealtimeEvent): void {
    if (result.type === "turn-completed") this.#items.complete(result.itemId, result.text);
    this.#send(result);
  }

  #stop({ reason, error, drains }: Omit<Extract<SessionEvent, { readonly type: "stop" }>, "type">): void {
    if (this.#phase === "ended") return;
    if (error !== null && this.#phase === "open") this.#send({ type: "error", error, causedBy: null });
    if (this.#open !== null) this.#do({ type: "drop-turn", itemId: this.#open.itemId });
    this.#open = null;
    if (this.#detecting !== null) this.#do({ type: "detect", detection: null, model: this.#detecting.model });
    this.#detecting = null;
    this.#end ??= { reason, error };
    this.#phase = "draining";
    if (!drains) this.#dropPending(reason, error);
    this.#endDrained();
  }

  #dropPending(reason: RealtimeEndReason, error: RealtimeError | null): void {
    for (const itemId of this.#pending.keys()) {
      this.#do({ type: "drop-turn", itemId });
      if (reason !== "disconnected") this.#send({ type: "turn-failed", itemId, error: error ?? SESSION_ENDED });
    }
    this.#pending.clear();
  }

  #endDrained(): void {
    if (this.#pending.size > 0 || this.#end === null || this.#phase === "ended") return;
    this.#phase = "ended";
    this.#do({ type: "end", ...this.#end });
  }

  #findTurn(itemId: string): Turn | null {
    return this.#open?.itemId === itemId ? this.#open : (this.#pending.get(itemId) ?? null);
  }

  /** Settings change with the next turn. */
  #detect(): void {
    const { turnDetection, transcription } = this.#config;
    const { model } = transcription;
    if (turnDetection === null) {
      if (this.#detecting === null) return;
      this.#detecting = null;
      return this.#do({ type: "detect", detection: null, model });
    }
    if (this.#detecting !== null && this.#open !== null) return;
    const detection = resolveDetection(turnDetection);
    if (this.#detecting?.model === model && isSameDetection(this.#detecting.detection, detection)) return;
    this.#detecting = { detection, model };
    this.#do({ type: "detect", detection, model });
  }

  /** Speech that goes on after a cut begins there. */
  #detectAnew(): void {
    if (this.#detecting === null) return;
    this.#detecting = null;
    this.#detect();
  }

  #view() {
    const { id, expiresAtMs } = this.#options;
    return { id, expiresAtMs, config: this.#config };
  }

  #refuse(error: RealtimeError, causedBy: string | null): void {
    this.#send({ type: "error", error, causedBy });
  }

  #send(event: RealtimeEvent): void {
    this.#do({ type: "send", event });
  }

  #do(action: SessionAction): void {
    this.#actions.push(action);
  }

  #take(): readonly SessionAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}
