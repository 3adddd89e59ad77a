/**
 * From the events of an upstream's response to those of ours: they pass as they are, with ids of this server and the
 * fields that are state here. What the first events say is known before the upstream answers.
 */

import { isRecord } from "@openai-compat/core";
import type { AiError } from "@openai-compat/core";
import type { OutputItem, ResponseEvent, ResponseObject } from "@openai-compat/spec";
import { encodeResponseError } from "../encode-response-error.ts";
import { createItemId } from "../response-builder.ts";
import type { ResponseBuilder } from "../response-builder.ts";
import type { RunEvent } from "../response-run.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface NativeBuilderOptions {
  /** As it is before anything was generated. */
  readonly initial: ResponseObject;
  /** Makes of what an upstream has encrypted something that is of use to the account alone. */
  readonly sealBlob: (blob: string) => string;
}

/** Of a response, what the upstream knows nothing of or has been told something else. */
const OURS = [
  "id",
  "object",
  "created_at",
  "model",
  "background",
  "previous_response_id",
  "conversation",
  "store",
  "metadata",
] as const satisfies readonly (keyof ResponseObject)[];

/** Events of a response that has not begun to answer: ours have been sent. */
const FIRST: ReadonlySet<unknown> = new Set(["response.created", "response.queued", "response.in_progress"]);

/** What can be the name of a server-sent event; no other type can be passed on. */
const EVENT_NAME = /^[\w.-]{1,100}$/;

export function createNativeBuilder(options: NativeBuilderOptions): ResponseBuilder {
  return new NativeBuilder(options);
}

class NativeBuilder implements ResponseBuilder {
  readonly #sealBlob: NativeBuilderOptions["sealBlob"];
  #response: Fields & ResponseObject;
  /** Items that are complete, by their place. */
  readonly #output = new Map<number, OutputItem>();
  /** Ours, by the upstream's. */
  readonly #ids = new Map<string, string>();
  #sent = 0;
  /** Whether an event of the upstream has passed. */
  #hasRelayed = false;

  constructor({ initial, sealBlob }: NativeBuilderOptions) {
    this.#response = initial;
    this.#sealBlob = sealBlob;
  }

  get response(): ResponseObject {
    return this.#response;
  }

  queue(): readonly ResponseEvent[] {
    this.#response = { ...this.#response, status: "queued" };
    return ["response.created", "response.queued"].map((type) => this.#number({ type, response: this.#response }));
  }

  start(served: Partial<ResponseObject>): readonly ResponseEvent[] {
    const { status, created_at: queuedAt } = this.#response;
    const created = status === "queued" ? { created_at: queuedAt } : {};
    this.#response = { ...this.#response, ...served, ...created, status: "in_progress" };
    return this.#begin();
  }

  push(event: RunEvent): readonly ResponseEvent[] {
    if (event.type !== "native-event") return [];
    const { type, response, item, item_id: itemId, output_index: index } = event.event;
    if (isRecord(response)) this.#merge(response);
    if (FIRST.has(type) || !EVENT_NAME.test(String(type))) return [];
    this.#hasRelayed = true;
    const mapped = isRecord(item) ? this.#mapItem(item) : null;
    const isDone = type === "response.output_item.done" && typeof index === "number";
    if (mapped !== null && isDone) this.#output.set(index, mapped);
    return [
      this.#number({
        ...event.event,
        ...(isRecord(response) ? { response: this.#response } : {}),
        ...(mapped === null ? {} : { item: mapped }),
        ...(typeof itemId === "string" ? { item_id: this.#mapId(itemId) } : {}),
      }),
    ];
  }

  keepAlive(): readonly ResponseEvent[] {
    if (this.#sent === 0) return this.queue();
    const { status } = this.#response;
    if (this.#hasRelayed || (status !== "queued" && status !== "in_progress")) return [];
    return [this.#number({ type: `response.${status}`, response: this.#response })];
  }

  fail(error: AiError): readonly ResponseEvent[] {
    const first = this.#sent === 0 ? this.#begin() : [];
    const failure = { status: "failed", error: encodeResponseError(error), output: this.#listOutput() } as const;
    this.#response = { ...this.#response, ...failure };
    return [...first, this.#number({ type: "response.failed", response: this.#response })];
  }

  #begin(): readonly ResponseEvent[] {
    const types = this.#sent === 0 ? ["response.created", "response.in_progress"] : ["response.in_progress"];
    return types.map((type) => this.#number({ type, response: this.#response }));
  }

  #number(event: Fields): ResponseEvent {
    const numbered = { ...event, sequence_number: this.#sent };
    this.#sent += 1;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what an upstream sends passes, known or not
    return numbered as unknown as ResponseEvent;
  }

  /** Some upstreams leave the items out of the last event. */
  #merge(theirs: Fields): void {
    const items = Array.isArray(theirs["output"]) ? theirs["output"].filter(isRecord) : [];
    const listed = items.map((item, index) => this.#output.get(index) ?? this.#mapItem(item));
    const ours = Object.fromEntries(OURS.map((name) => [name, this.#response[name]]));
    const output = listed.length > 0 ? listed : this.#listOutput();
    this.#response = { ...this.#response, ...theirs, ...ours, output };
  }

  #listOutput(): OutputItem[] {
    return [...this.#output.entries()].toSorted(([a], [b]) => a - b).map(([, item]) => item);
  }

  #mapItem(item: Fields): OutputItem {
    const { id, encrypted_content: blob } = item;
    const mapped = {
      ...item,
      ...(typeof id === "string" ? { id: this.#mapId(id) } : {}),
      ...(typeof blob === "string" ? { encrypted_content: this.#sealBlob(blob) } : {}),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what an upstream sends passes, known or not
    return mapped as unknown as OutputItem;
  }

  #mapId(id: string): string {
    const known = this.#ids.get(id) ?? createItemId(/^[a-z]{1,10}(?=_)/.exec(id)?.[0] ?? "item");
    this.#ids.set(id, known);
    return known;
  }
}
