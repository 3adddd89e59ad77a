/**
 * From the events of a chat to the events of a response, and to the response itself: it grows with each event, and what
 * the last one carries is the non-streaming answer. Nothing else makes a response. Pure: no clock, no socket, no store.
 */

import { randomBytes } from "node:crypto";
import type { AiError, TokenLogprob } from "@openai-compat/core";
import type { OutputItem, ResponseEvent, ResponseLogprob, ResponseObject } from "@openai-compat/spec";
import { encodeTokenLogprob } from "../chat-completions/encode-logprobs.ts";
import type { AnswerEvent } from "../upstream/answer-event.ts";
import { encodeResponseError } from "./encode-response-error.ts";
import { encodeResponseUsage } from "./encode-response-usage.ts";
import type { ToolName } from "./decode-tools.ts";
import type { RunEvent } from "./response-run.ts";

/** An event that has no number yet. */
type Draft = ResponseEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, "sequence_number">
    : never
  : never;

export interface ResponseBuilderOptions {
  /** As it is before anything was generated. */
  readonly initial: ResponseObject;
  /** By the name that the model knows. */
  readonly toolNames: ReadonlyMap<string, ToolName>;
  /** Whether reasoning is shown as a summary, which most clients show, or as what it is. */
  readonly summarises: boolean;
  /** What `encrypted_content` of reasoning is made with; null where it was not asked for. */
  readonly sealReasoning: ((text: string) => string) | null;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

export interface ResponseBuilder {
  /** As it is by now. Events that were returned hold earlier states of it. */
  readonly response: ResponseObject;
  /** The first events of a response that waits. */
  queue(): readonly ResponseEvent[];
  /** The first events, or the next after it was queued. @param served what is known once the call runs; a response was created when it was queued */
  start(served: Pick<ResponseObject, "model" | "temperature" | "top_p" | "created_at">): readonly ResponseEvent[];
  /** None for events that say nothing to a client. `chat-end` is the last one. */
  push(event: RunEvent): readonly ResponseEvent[];
  /**
   * Events for a silence: that it waits, or that it goes on, once more. No `keepalive`, as OpenAI sends it, on which some SDKs
   * fail; and none from the first item on, because some would take the output of such an event for all that there is.
   */
  keepAlive(): readonly ResponseEvent[];
  /** The last event of a response that broke; before `start`, the first ones too. */
  fail(error: AiError): readonly ResponseEvent[];
}

export function createResponseBuilder(options: ResponseBuilderOptions): ResponseBuilder {
  return new Builder(options);
}

/** `msg_` and 32 hexadecimal digits. */
export function createItemId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString("hex")}`;
}

type ItemStatus = "completed" | "incomplete";

const CUTS = {
  stop: null,
  "tool-calls": null,
  length: "max_output_tokens",
  "content-filter": "content_filter",
} as const;

/** An item that still grows. */
interface OpenItem {
  readonly kind: "message" | "refusal" | "reasoning" | "function" | "custom";
  readonly id: string;
  readonly index: number;
  readonly pieces: string[];
  readonly logprobs: ResponseLogprob[];
  /** Of a call. */
  readonly called: { readonly call_id: string; readonly name: string; readonly namespace?: string };
}

const NO_CALL = { call_id: "", name: "" };

class Builder implements ResponseBuilder {
  readonly #options: ResponseBuilderOptions;
  #response: ResponseObject;
  readonly #output: OutputItem[] = [];
  #open: OpenItem | null = null;
  #events: ResponseEvent[] = [];
  #sent = 0;
  /** Why the answer ended before it was complete; null for one that is. */
  #cut: "max_output_tokens" | "content_filter" | null = null;

  constructor(options: ResponseBuilderOptions) {
    this.#options = options;
    this.#response = options.initial;
  }

  get response(): ResponseObject {
    return { ...this.#response, output: [...this.#output] };
  }

  queue(): readonly ResponseEvent[] {
    this.#response = { ...this.#response, status: "queued" };
    this.#emit({ type: "response.created", response: this.response });
    this.#emit({ type: "response.queued", response: this.response });
    return this.#take();
  }

  start(served: Partial<ResponseObject>): readonly ResponseEvent[] {
    const { status, created_at: queuedAt } = this.#response;
    const created = status === "queued" ? { created_at: queuedAt } : {};
    this.#response = { ...this.#response, ...served, ...created, status: "in_progress" };
    this.#begin();
    return this.#take();
  }

  push(event: RunEvent): readonly ResponseEvent[] {
    switch (event.type) {
      case "choice-start":
      case "native-event":
        break;
      case "reasoning-delta":
        this.#addReasoning(event.text);
        break;
      case "text-delta":
        this.#addText(event.text, event.logprobs);
        break;
      case "refusal-delta":
        this.#addRefusal(event.text);
        break;
      case "tool-call-start":
        this.#startCall(event);
        break;
      case "tool-call-delta":
        this.#addToCall(event.text);
        break;
      case "choice-end":
        this.#cut = CUTS[event.finishReason];
        this.#finishOutput();
        break;
      case "chat-end":
        this.#finish(event.usage);
    }
    return this.#take();
  }

  keepAlive(): readonly ResponseEvent[] {
    if (this.#sent === 0) return this.queue();
    const { status } = this.#response;
    if (this.#output.length > 0 || this.#open !== null) return [];
    if (status === "queued" || status === "in_progress")
      this.#emit({ type: `response.${status}`, response: this.response });
    return this.#take();
  }

  fail(error: AiError): readonly ResponseEvent[] {
    if (this.#sent === 0) this.#begin();
    this.#response = {
      ...this.#response,
      status: "failed",
      error: encodeResponseError(error),
      output: [...this.#output],
    };
    this.#emit({ type: "response.failed", response: this.response });
    return this.#take();
  }

  #begin(): void {
    if (this.#sent === 0) this.#emit({ type: "response.created", response: this.response });
    this.#emit({ type: "response.in_progress", response: this.response });
  }

  #emit(draft: Draft): void {
    this.#events.push({ ...draft, sequence_number: this.#sent });
    this.#sent += 1;
  }

  #take(): readonly ResponseEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #openItem(kind: OpenItem["kind"], id: string, called: OpenItem["called"] = NO_CALL): OpenItem {
    this.#close("completed");
    const item: OpenItem = { kind, id, index: this.#output.length, pieces: [], logprobs: [], called };
    this.#open = item;
    this.#emit({ type: "response.output_item.added", output_index: item.index, item: beginItem(item) });
    return item;
  }

  #addReasoning(text: string): void {
    const item = this.#open?.kind === "reasoning" ? this.#open : this.#openReasoning();
    item.pieces.push(text);
    const place = { item_id: item.id, output_index: item.index };
    if (this.#options.summarises) {
      this.#emit({ type: "response.reasoning_summary_text.delta", ...place, summary_index: 0, delta: text });
    } else {
      this.#emit({ type: "response.reasoning_text.delta", ...place, content_index: 0, delta: text });
    }
  }

  #openReasoning(): OpenItem {
    const item = this.#openItem("reasoning", createItemId("rs"));
    const place = { item_id: item.id, output_index: item.index };
    if (this.#options.summarises) {
      const part = { type: "summary_text" as const, text: "" };
      this.#emit({ type: "response.reasoning_summary_part.added", ...place, summary_index: 0, part });
    } else {
      const part = { type: "reasoning_text" as const, text: "" };
      this.#emit({ type: "response.content_part.added", ...place, content_index: 0, part });
    }
    return item;
  }

  #addText(text: string, logprobs: readonly TokenLogprob[] | null): void {
    const item = this.#open?.kind === "message" ? this.#open : this.#openMessage();
    const encoded = (logprobs ?? []).map(encodeTokenLogprob);
    item.pieces.push(text);
    item.logprobs.push(...encoded);
    const place = { item_id: item.id, output_index: item.index, content_index: 0 };
    this.#emit({ type: "response.output_text.delta", ...place, delta: text, logprobs: encoded });
  }

  #openMessage(): OpenItem {
    const item = this.#openItem("message", createItemId("msg"));
    const part = { type: "output_text" as const, text: "", annotations: [], logprobs: [] };
    const place = { item_id: item.id, output_index: item.index, content_index: 0 };
    this.#emit({ type: "response.content_part.added", ...place, part });
    return item;
  }

  /** A message of its own, whatever was said before it. */
  #addRefusal(text: string): void {
    const item = this.#open?.kind === "refusal" ? this.#open : this.#openRefusal();
    item.pieces.push(text);
    const place = { item_id: item.id, output_index: item.index, content_index: 0 };
    this.#emit({ type: "response.refusal.delta", ...place, delta: text });
  }

  #openRefusal(): OpenItem {
    const item = this.#openItem("refusal", createItemId("msg"));
    const place = { item_id: item.id, output_index: item.index, content_index: 0 };
    this.#emit({ type: "response.content_part.added", ...place, part: { type: "refusal", refusal: "" } });
    return item;
  }

  #startCall({ id, kind, name }: Extract<AnswerEvent, { type: "tool-call-start" }>): void {
    const toolName = this.#options.toolNames.get(name) ?? { namespace: null, name };
    const { namespace } = toolName;
    const called = { call_id: id, name: toolName.name, ...(namespace === null ? {} : { namespace }) };
    this.#openItem(kind, createItemId(kind === "custom" ? "ctc" : "fc"), called);
  }

  #addToCall(text: string): void {
    const item = this.#open;
    if (item === null || text === "") return;
    item.pieces.push(text);
    const place = { item_id: item.id, output_index: item.index, delta: text };
    if (item.kind === "custom") this.#emit({ type: "response.custom_tool_call_input.delta", ...place });
    else this.#emit({ type: "response.function_call_arguments.delta", ...place });
  }

  /** An answer of nothing is an empty message: some clients take a response without items for one to repeat. */
  #finishOutput(): void {
    const isCut = this.#cut !== null;
    this.#close(isCut ? "incomplete" : "completed");
    const isSilent = this.#output.every(({ type }) => type === "reasoning");
    if (!isSilent || isCut) return;
    this.#openMessage();
    this.#close("completed");
  }

  #close(status: ItemStatus): void {
    const item = this.#open;
    if (item === null) return;
    this.#open = null;
    const text = item.pieces.join("");
    this.#emitEnds(item, text);
    const done = this.#endItem(item, text, status);
    this.#output.push(done);
    this.#emit({ type: "response.output_item.done", output_index: item.index, item: done });
  }

  #emitEnds(item: OpenItem, text: string): void {
    const place = { item_id: item.id, output_index: item.index };
    switch (item.kind) {
      case "message": {
        const { logprobs } = item;
        const part = { type: "output_text" as const, text, annotations: [], logprobs };
        this.#emit({ type: "response.output_text.done", ...place, content_index: 0, text, logprobs });
        this.#emit({ type: "response.content_part.done", ...place, content_index: 0, part });
        return;
      }
      case "refusal": {
        const part = { type: "refusal" as const, refusal: text };
        this.#emit({ type: "response.refusal.done", ...place, content_index: 0, refusal: text });
        this.#emit({ type: "response.content_part.done", ...place, content_index: 0, part });
        return;
      }
      case "reasoning": {
        if (this.#options.summarises) {
          const part = { type: "summary_text" as const, text };
          this.#emit({ type: "response.reasoning_summary_text.done", ...place, summary_index: 0, text });
          this.#emit({ type: "response.reasoning_summary_part.done", ...place, summary_index: 0, part });
          return;
        }
        const part = { type: "reasoning_text" as const, text };
        this.#emit({ type: "response.reasoning_text.done", ...place, content_index: 0, text });
        this.#emit({ type: "response.content_part.done", ...place, content_index: 0, part });
        return;
      }
      case "function": {
        const { name } = item.called;
        this.#emit({ type: "response.function_call_arguments.done", ...place, name, arguments: text });
        return;
      }
      case "custom":
        this.#emit({ type: "response.custom_tool_call_input.done", ...place, input: text });
    }
  }

  #endItem({ kind, id, called, logprobs }: OpenItem, text: string, status: ItemStatus): OutputItem {
    switch (kind) {
      case "message": {
        const content = [{ type: "output_text" as const, text, annotations: [], logprobs }];
        return { id, type: "message", status, role: "assistant", content };
      }
      case "refusal":
        return { id, type: "message", status, role: "assistant", content: [{ type: "refusal", refusal: text }] };
      case "reasoning": {
        const { summarises, sealReasoning } = this.#options;
        const shown = summarises
          ? { summary: [{ type: "summary_text" as const, text }], content: [] }
          : { summary: [], content: [{ type: "reasoning_text" as const, text }] };
        const sealed = sealReasoning === null ? {} : { encrypted_content: sealReasoning(text) };
        return { id, type: "reasoning", ...shown, ...sealed, status };
      }
      case "function":
        return { id, type: "function_call", status, ...called, arguments: text };
      case "custom":
        return { id, type: "custom_tool_call", status, ...called, input: text };
    }
  }

  #finish(usage: Extract<AnswerEvent, { type: "chat-end" }>["usage"]): void {
    this.#response = { ...this.#response, usage: encodeResponseUsage(usage) };
    if (this.#cut !== null) {
      const details = { status: "incomplete", incomplete_details: { reason: this.#cut } } as const;
      this.#response = { ...this.#response, ...details };
      this.#emit({ type: "response.incomplete", response: this.response });
      return;
    }
    this.#response = { ...this.#response, status: "completed", completed_at: this.#options.now() };
    this.#emit({ type: "response.completed", response: this.response });
  }
}

function beginItem({ kind, id, called }: OpenItem): OutputItem {
  const status = "in_progress" as const;
  switch (kind) {
    case "message":
    case "refusal":
      return { id, type: "message", status, role: "assistant", content: [] };
    case "reasoning":
      return { id, type: "reasoning", summary: [], content: [], status };
    case "function":
      return { id, type: "function_call", status, ...called, arguments: "" };
    case "custom":
      return { id, type: "custom_tool_call", status, ...called, input: "" };
  }
}
