/**
 * Opens realtime sessions at an upstream, and passes their events on: with the model by its name there, with our key,
 * and with what they use counted.
 */

import { AiError, type JsonRecord } from "@openai-compat/core";
import type {
  UpstreamRealtime,
  UpstreamRealtimeFrame,
  UpstreamRealtimeOptions,
  UpstreamRealtimeRequest,
} from "@openai-compat/core";
import type { CallOutcome } from "../circuit-breaker.ts";
import { decodeUpstreamError, type UpstreamErrorContext } from "../decode-error.ts";
import { decodeErrorBody } from "../decode-error-body.ts";
import { encodeHeaders } from "../encode-request.ts";
import { parseRecord } from "../json-value.ts";
import type { MessageRedactor } from "../message-redactor.ts";
import { openOnTarget } from "../open-call.ts";
import { isBreakdown, toCallerError, UpstreamError } from "../upstream-error.ts";
import type { ResolvedUpstreamSettings } from "../upstream-settings.ts";
import type { UpstreamTarget } from "../upstream-target.ts";
import type { TargetLease, UpstreamTargets } from "../upstream-targets.ts";
import type { Upgrade } from "./open-socket.ts";
import { RealtimeSocket } from "./realtime-socket.ts";
import { createSessionErrors, type SessionErrors } from "./session-errors.ts";
import { createSessionModels, type SessionModels } from "./session-models.ts";
import { createSessionUsage, type SessionUsage } from "./session-usage.ts";

export interface RealtimeConnectorOptions {
  readonly settings: ResolvedUpstreamSettings;
  readonly redactor: MessageRedactor;
  readonly targets: UpstreamTargets<UpstreamTarget>;
}

export type RealtimeConnector = (
  request: UpstreamRealtimeRequest,
  options: UpstreamRealtimeOptions,
) => Promise<UpstreamRealtime>;

export function createRealtimeConnector({ settings, redactor, targets }: RealtimeConnectorOptions): RealtimeConnector {
  return async (request, { signal, isModel }) => {
    const { model: theirs, transcriptionModels, contextTokens } = settings;
    const { modelId, intent } = request;
    const errorContext = { redactor, operation: null, modelId, includeUsage: true };
    const { lease, opened } = await open(request, signal).catch((thrown: unknown) => {
      throw thrown instanceof UpstreamError ? toCallerError(thrown) : thrown;
    });
    if (opened.type === "refused") {
      lease.end(opened.status < 500 || opened.status === 501 ? "good" : "broken");
      throw toRefusal(opened, errorContext);
    }
    lease.markResponseStarted();
    const isTranscription = intent === "transcription";
    return new Session({
      socket: new RealtimeSocket(opened.socket, settings),
      lease,
      signal,
      redactor,
      modelId,
      models: createSessionModels({ theirs, ours: modelId, isModel, transcriptionModels, isTranscription }),
      errors: createSessionErrors(errorContext),
      usage: createSessionUsage(contextTokens),
    });
  };

  function open({ path, intent, traceParent }: UpstreamRealtimeRequest, signal: AbortSignal) {
    const query = intent === "transcription" ? { intent } : { model: settings.model };
    const sent = {
      path: `${path}?${new URLSearchParams(query).toString()}`,
      headers: encodeHeaders({ apiKey: settings.apiKey, traceParent }),
    };
    return openOnTarget(targets, (target) => target.connect(sent, signal));
  }
}

/** An address that knows nothing of sessions, or answers them as another request, is the upstream's lack of them. */
function toRefusal(refused: Extract<Upgrade, { type: "refused" }>, context: UpstreamErrorContext): AiError {
  const { status, body } = refused;
  const isAboutModel = decodeErrorBody(body ?? "")?.code === "model_not_found";
  const isMissing = status < 300 || (MISSING_STATUSES.includes(status) && !isAboutModel);
  if (!isMissing) return decodeUpstreamError(refused, context);
  const cause = new Error(`The upstream answered ${status} to an upgrade.`);
  return new AiError("not_implemented", "This model offers no realtime sessions.", { cause });
}

const MISSING_STATUSES = [404, 405, 426];

interface SessionParts {
  readonly socket: RealtimeSocket;
  readonly lease: TargetLease<UpstreamTarget>;
  readonly signal: AbortSignal;
  readonly redactor: MessageRedactor;
  readonly modelId: string;
  readonly models: SessionModels;
  readonly errors: SessionErrors;
  readonly usage: SessionUsage;
}

class Session implements UpstreamRealtime {
  readonly frames: AsyncIterable<UpstreamRealtimeFrame>;
  readonly #parts: SessionParts;
  #isOver = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.frames = this.#read();
    const { signal } = parts;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  encode({ text, event }: { readonly text: string; readonly event: JsonRecord }): string {
    const isChanged = this.#parts.models.toTheirs(event);
    this.#parts.usage.countSent(event);
    return isChanged ? JSON.stringify(event) : text;
  }

  async send(text: string): Promise<void> {
    await this.#ask(() => this.#parts.socket.send(text));
  }

  usage(isBroken: boolean) {
    return this.#parts.usage.used(isBroken);
  }

  maxUsage() {
    return this.#parts.usage.most();
  }

  counts() {
    return this.#parts.usage.counts();
  }

  close(): void {
    this.#end("good", NORMAL_CLOSURE);
  }

  async *#read(): AsyncGenerator<UpstreamRealtimeFrame, void> {
    const { socket, redactor, modelId } = this.#parts;
    for (;;) {
      const next = await this.#ask(() => socket.read());
      if ("code" in next) {
        this.#end("good", NORMAL_CLOSURE);
        yield { type: "upstream-close", code: next.code, reason: redactor.redactForCaller(next.reason, modelId) };
        return;
      }
      for (const text of next) yield { type: "upstream-frame", text: this.#decode(text) };
    }
  }

  /** What is no JSON object passes as it is: that it is wrong is seen by the caller as it would be without us. */
  #decode(text: string): string {
    const event = parseRecord(text);
    if (event === null) return text;
    const { usage, models, errors } = this.#parts;
    usage.countReceived(event);
    const isRenamed = models.toOurs(event);
    const isRedacted = errors.redact(event);
    return isRenamed || isRedacted ? JSON.stringify(event) : text;
  }

  async #ask<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const { signal } = this.#parts;
    try {
      signal.throwIfAborted();
      const answer = await work();
      signal.throwIfAborted();
      return answer;
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      this.#end(isBreakdown(thrown) ? "broken" : "unknown", NORMAL_CLOSURE);
      throw thrown instanceof UpstreamError ? toCallerError(thrown) : thrown;
    }
  }

  readonly #onAbort = (): void => this.#end("unknown", GOING_AWAY);

  #end(outcome: CallOutcome, closeCode: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { signal, socket, lease } = this.#parts;
    signal.removeEventListener("abort", this.#onAbort);
    socket.close(closeCode);
    lease.end(outcome);
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const NORMAL_CLOSURE = 1000;
const GOING_AWAY = 1001;
