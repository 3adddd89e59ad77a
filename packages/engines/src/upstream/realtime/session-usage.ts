/**
 * What a realtime session uses, read from the events of both sides. Audio is counted when it is sent, and charged when a
 * turn of it is committed; what the upstream reports of the turn replaces the count. Tokens are as reported: by turns
 * and by responses. It refuses nothing.
 */

import { NO_USAGE, type RealtimeUsage, type RelayCounts, type UsageUnits } from "@openai-compat/core";
import { decodeUsage } from "../decode-usage.ts";
import { isRecord, type JsonRecord } from "../json-value.ts";
import { countAudioBytes, DEFAULT_BYTES_PER_MS, readBytesPerMs, readInput } from "./audio-rate.ts";

export interface SessionUsage {
  /** Called with each event of the caller, before it is sent. */
  countSent(event: JsonRecord): void;
  /** Called with each event of the upstream. */
  countReceived(event: JsonRecord): void;
  /** @param isBroken whether the upstream broke off: what it has not transcribed costs nothing then */
  used(isBroken: boolean): RealtimeUsage;
  counts(): RelayCounts;
  /** The most that it can be when everything that was sent has been answered, and one response more. */
  most(): UsageUnits;
}

/** Turns and requests whose answer is awaited; of more, the oldest are taken for answered. */
const PENDING_MAX = 256;

/** @param contextTokens the most that one response or one turn can read, and the most that it can write */
export function createSessionUsage(contextTokens: number): SessionUsage {
  return new Usage(contextTokens);
}

/** Something that the caller has asked for. */
interface Request<Value> {
  /** The caller's id of the event; an error repeats it. */
  readonly eventId: string | null;
  readonly value: Value;
}

interface Turn {
  startMs: number | null;
  endMs: number | null;
  /** Charged for it; null before it is committed. */
  chargedMs: number | null;
}

class Usage implements SessionUsage {
  readonly #contextTokens: number;
  #tokens: UsageUnits = NO_USAGE;
  #bytesPerMs = DEFAULT_BYTES_PER_MS;
  #transcribes = false;
  /** All audio so far. */
  #sentMs = 0;
  /** Audio behind the last commit. */
  #bufferMs = 0;
  /** Whether the upstream has sent text of that. */
  #isBufferHeard = false;
  #chargedMs = 0;
  readonly #formats: Request<number | null>[] = [];
  readonly #commits: Request<number>[] = [];
  readonly #asked: Request<null>[] = [];
  readonly #responses = new Set<string>();
  readonly #turns = new Map<string, Turn>();
  #ended = { turns: 0, failedTurns: 0 };
  #reports = 0;
  #missingReports = 0;

  constructor(contextTokens: number) {
    this.#contextTokens = contextTokens;
  }

  countSent(event: JsonRecord): void {
    const { type, session } = event;
    const eventId = readText(event["event_id"]);
    if (type === "input_audio_buffer.append") this.#countAudio(event["audio"]);
    else if (type === "input_audio_buffer.commit") {
      this.#addCommit(eventId);
    } else if (type === "input_audio_buffer.clear") this.#clear();
    else if (type === "response.create") add(this.#asked, { eventId, value: null });
    else if (isRecord(session)) add(this.#formats, { eventId, value: readBytesPerMs(session) });
  }

  countReceived(event: JsonRecord): void {
    const { type, session } = event;
    if (isRecord(session)) this.#updateSession(session, type);
    else if (type === "error") this.#withdraw(event["error"]);
    else if (type === "response.created") this.#openResponse(event["response"]);
    else if (type === "response.done") this.#closeResponse(event["response"]);
    else if (typeof event["item_id"] === "string") this.#updateTurn(event, event["item_id"]);
  }

  used(isBroken: boolean): RealtimeUsage {
    const open = isBroken && this.#transcribes ? this.#openTurnsMs() : 0;
    const heard = this.#isBufferHeard && !isBroken ? this.#bufferMs : 0;
    const source = this.#reports > 0 && this.#missingReports === 0 ? "reported" : "estimated";
    return { units: { ...this.#tokens, audioMs: this.#bound(this.#chargedMs - open + heard) }, source };
  }

  counts(): RelayCounts {
    return { ...this.#ended, receivedMs: Math.round(this.#sentMs) };
  }

  most(): UsageUnits {
    const committedMs = this.#commits.reduce((total, { value }) => total + value, 0);
    const answers = this.#turns.size + this.#asked.length + this.#responses.size + 1;
    return {
      ...this.#tokens,
      inputTokens: this.#tokens.inputTokens + answers * this.#contextTokens,
      outputTokens: this.#tokens.outputTokens + answers * this.#contextTokens,
      audioMs: this.#bound(this.#chargedMs + committedMs + this.#bufferMs),
    };
  }

  /** Nobody pays for more audio than there was. */
  #bound(audioMs: number): number {
    return Math.ceil(Math.max(0, Math.min(audioMs, this.#sentMs)));
  }

  /** While a change of the format is under way, the one that makes more of the bytes counts. */
  #countAudio(audio: unknown): void {
    const rates = this.#formats.map(({ value }) => value ?? this.#bytesPerMs);
    const ms = countAudioBytes(audio) / Math.min(this.#bytesPerMs, ...rates);
    this.#sentMs += ms;
    this.#bufferMs += ms;
  }

  /** Of too many, the two oldest become one: their audio still counts. */
  #addCommit(eventId: string | null): void {
    this.#commits.push({ eventId, value: this.#bufferMs });
    this.#bufferMs = 0;
    if (this.#commits.length <= PENDING_MAX) return;
    const [oldest, next] = this.#commits.splice(0, 2);
    if (oldest !== undefined && next !== undefined) {
      this.#commits.unshift({ eventId: next.eventId, value: oldest.value + next.value });
    }
  }

  #clear(): void {
    if (this.#isBufferHeard) this.#chargedMs += this.#bufferMs;
    this.#bufferMs = 0;
    this.#isBufferHeard = false;
  }

  #updateSession(session: JsonRecord, type: unknown): void {
    if (type !== "session.created") this.#formats.shift();
    this.#bytesPerMs = readBytesPerMs(session) ?? this.#bytesPerMs;
    this.#transcribes = isRecord(readInput(session)?.["transcription"] ?? session["input_audio_transcription"]);
  }

  /** What an error says was refused will not be answered. */
  #withdraw(error: unknown): void {
    if (!isRecord(error)) return;
    const eventId = readText(error["event_id"]);
    if (error["code"] === "input_audio_buffer_commit_empty") {
      this.#bufferMs += remove(this.#commits, eventId)?.value ?? 0;
    } else if (remove(this.#formats, eventId) === null) remove(this.#asked, eventId);
  }

  #openResponse(response: unknown): void {
    this.#asked.shift();
    const id = isRecord(response) ? readText(response["id"]) : null;
    if (id !== null && this.#responses.size < PENDING_MAX) this.#responses.add(id);
  }

  #closeResponse(response: unknown): void {
    if (!isRecord(response)) return;
    this.#responses.delete(readText(response["id"]) ?? "");
    const { usage } = response;
    // The details have another name than in other answers.
    this.#addTokens(isRecord(usage) ? { ...usage, input_tokens_details: usage["input_token_details"] } : null);
  }

  #updateTurn({ type, ...event }: JsonRecord, itemId: string): void {
    switch (type) {
      case "input_audio_buffer.speech_started":
        this.#findTurn(itemId).startMs = readMs(event["audio_start_ms"]);
        break;
      case "input_audio_buffer.speech_stopped":
        this.#findTurn(itemId).endMs = readMs(event["audio_end_ms"]);
        break;
      case "input_audio_buffer.committed":
        this.#commitTurn(this.#findTurn(itemId));
        // Nothing more comes of it.
        if (!this.#transcribes) this.#turns.delete(itemId);
        break;
      case "conversation.item.input_audio_transcription.delta":
        if ((this.#turns.get(itemId)?.chargedMs ?? null) === null) this.#isBufferHeard = true;
        break;
      case "conversation.item.input_audio_transcription.completed":
        this.#endTurn(itemId, this.#addTokens(event["usage"]));
        break;
      case "conversation.item.input_audio_transcription.failed":
        this.#ended.failedTurns += 1;
        this.#endTurn(itemId, 0);
        break;
    }
  }

  #findTurn(itemId: string): Turn {
    const turn = this.#turns.get(itemId) ?? { startMs: null, endMs: null, chargedMs: null };
    this.#turns.set(itemId, turn);
    if (this.#turns.size > PENDING_MAX) this.#turns.delete(this.#turns.keys().next().value ?? "");
    return turn;
  }

  /** By the upstream's detection, what lies between its two times; by the caller's commit, what was sent until then. */
  #commitTurn(turn: Turn): void {
    if (turn.chargedMs !== null) return;
    const { startMs, endMs } = turn;
    if (startMs !== null && endMs !== null) {
      turn.chargedMs = Math.max(0, endMs - startMs);
      this.#bufferMs = Math.min(this.#bufferMs, Math.max(0, this.#sentMs - endMs));
    } else {
      const commit = this.#commits.shift();
      turn.chargedMs = commit?.value ?? this.#bufferMs;
      if (commit === undefined) this.#bufferMs = 0;
    }
    this.#chargedMs += turn.chargedMs;
    this.#isBufferHeard = false;
  }

  /** @param reportedMs 0 for a turn that failed; null where nothing was reported, and the count remains */
  #endTurn(itemId: string, reportedMs: number | null): void {
    const charged = this.#turns.get(itemId)?.chargedMs ?? 0;
    this.#turns.delete(itemId);
    this.#ended.turns += 1;
    if (reportedMs !== null) this.#chargedMs += reportedMs - charged;
  }

  #openTurnsMs(): number {
    return [...this.#turns.values()].reduce((total, { chargedMs }) => total + (chargedMs ?? 0), 0);
  }

  /** @returns the milliseconds of audio that are reported too; null for none */
  #addTokens(usage: unknown): number | null {
    const units = decodeUsage(usage);
    if (units === null) {
      this.#missingReports += 1;
      return null;
    }
    this.#reports += 1;
    this.#tokens = {
      ...this.#tokens,
      inputTokens: this.#tokens.inputTokens + units.inputTokens,
      cachedTokens: this.#tokens.cachedTokens + units.cachedTokens,
      outputTokens: this.#tokens.outputTokens + units.outputTokens,
    };
    return units.audioMs === 0 ? null : units.audioMs;
  }
}

function add<Value>(requests: Request<Value>[], request: Request<Value>): void {
  requests.push(request);
  if (requests.length > PENDING_MAX) requests.shift();
}

function remove<Value>(requests: Request<Value>[], eventId: string | null): Request<Value> | null {
  const index = requests.findIndex((request) => request.eventId === eventId);
  return index === -1 ? null : (requests.splice(index, 1)[0] ?? null);
}

function readText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function readMs(value: unknown): number | null {
  return typeof value === "number" && value >= 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : null;
}
