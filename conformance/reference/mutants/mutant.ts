/** What a mutant is, and the few ways of changing the wire that the catalogue is written in. */

import type { HttpOperationId } from "@openai-compat/spec";
import type { BilledCall } from "../../checks/support/billed-calls.ts";
import { isJsonObject } from "../../src/expect.ts";
import {
  type Chunk,
  type ChunkChoice,
  type Completion,
  encodeChunks,
  encodeCompletion,
} from "../operations/chat-answer.ts";
import { writeAsAsked } from "../operations/legacy-functions.ts";
import { REFERENCE_RULES, validateBy, wantsUsage } from "../operations/create-chat-completion.ts";
import type { ReferenceOperations } from "../operations/index.ts";
import type { Fields } from "../operations/operation.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { ChatBody, Rule } from "../operations/chat-rules.ts";
import type { ReferenceCall, Reply, Write } from "../call.ts";
import type { ConstrainedCall, Constraint, ReferenceWire } from "../wire.ts";

export interface Mutant {
  /** Dotted, permanent; the area of the defect first. */
  readonly id: string;
  /** The defect, as a server would have it. */
  readonly description: string;
  /** Ids of the checks that must object; no other may. */
  readonly intended: readonly string[];
  /** The functions of the wire that differ. State of a mutant lives in this call's closure. */
  mutate(wire: ReferenceWire): Partial<ReferenceWire>;
}

export type Naming = Omit<Mutant, "mutate">;

export function applyMutant(wire: ReferenceWire, mutant: Mutant): ReferenceWire {
  return { ...wire, ...mutant.mutate(wire) };
}

/** Replaces functions of one operation. */
export function mutateOperation<Id extends HttpOperationId>(
  naming: Naming,
  id: Id,
  change: (operation: ReferenceOperations[Id]) => Partial<ReferenceOperations[Id]>,
): Mutant {
  return {
    ...naming,
    mutate: ({ operations }) => ({
      operations: { ...operations, [id]: { ...operations[id], ...change(operations[id]) } },
    }),
  };
}

/** Changes non-streaming bodies. */
export function mutateCompletion(naming: Naming, change: (completion: Completion, body: ChatBody) => unknown): Mutant {
  return mutateOperation(naming, "createChatCompletion", () => ({
    encode: (answer) => change(encodeCompletion(answer), answer.request),
  }));
}

/** Changes the first choice of non-streaming bodies. */
export function mutateChoice(
  naming: Naming,
  change: (choice: Record<string, unknown>, body: ChatBody) => object,
): Mutant {
  return mutateCompletion(naming, (completion, body) => {
    const [first = {}, ...others] = completion.choices;
    return { ...completion, choices: [change({ ...first }, body), ...others] };
  });
}

/** Changes the first choice's message of non-streaming bodies. */
export function mutateMessage(naming: Naming, change: (message: Record<string, unknown>) => object): Mutant {
  return mutateChoice(naming, (choice) => {
    const message = choice["message"];
    return isJsonObject(message) ? { ...choice, message: change({ ...message }) } : choice;
  });
}

/** Changes the list of chunks. */
export function mutateChunks(
  naming: Naming,
  change: (chunks: readonly Chunk[], body: ChatBody) => readonly unknown[],
): Mutant {
  return mutateOperation(naming, "createChatCompletion", () => ({
    encodeStream: (answer) =>
      change(encodeChunks(answer, wantsUsage(answer.request)), answer.request).map((chunk) =>
        writeAsAsked(chunk, answer.request),
      ),
  }));
}

/** Changes each choice of each chunk; `isLast` says that the choice ends there. */
export function mutateChunkChoice(
  naming: Naming,
  change: (choice: ChunkChoice, position: { index: number; isLast: boolean }) => object,
): Mutant {
  return mutateChunks(naming, (chunks) =>
    chunks.map((chunk, index) => ({
      ...chunk,
      choices: chunk.choices.map((choice) => change(choice, { index, isLast: choice.finish_reason !== null })),
    })),
  );
}

/** Changes the frames of a streamed chat, sentinel included. */
export function mutateFrames(naming: Naming, change: (frames: readonly string[]) => readonly string[]): Mutant {
  return {
    ...naming,
    mutate: ({ frames }) => ({ frames: (given, call) => (isChat(call) ? change(given) : frames(given, call)) }),
  };
}

/** Changes every finished reply for which `when` holds. */
export function mutateReply(
  naming: Naming,
  when: (reply: Reply, call: ReferenceCall) => boolean,
  change: (reply: Reply, call: ReferenceCall) => Partial<Reply>,
): Mutant {
  const reply: ReferenceWire["reply"] = (given, call) =>
    when(given, call) ? { ...given, ...change(given, call) } : given;
  return { ...naming, mutate: () => ({ reply }) };
}

/** Changes the body of the refusals for which `when` holds. */
export function mutateRefusal(
  naming: Naming,
  when: (refusal: Refusal, call: ReferenceCall) => boolean,
  change: (error: Refusal, call: ReferenceCall) => unknown,
): Mutant {
  return {
    ...naming,
    mutate: ({ refusalBody }) => ({
      refusalBody: (refusal, call) => (when(refusal, call) ? change(refusal, call) : refusalBody(refusal, call)),
    }),
  };
}

/** Adds a demand on chat requests, or replaces one. */
export function mutateRule(naming: Naming, name: string, rule: Rule): Mutant {
  return mutateOperation(naming, "createChatCompletion", () => ({
    validate: validateBy({ ...REFERENCE_RULES, [name]: rule }),
  }));
}

/** Refuses requests for which `when` holds. */
export function refuseWhen(
  id: string,
  description: string,
  intended: string | readonly string[],
  when: (body: ChatBody) => boolean,
): Mutant {
  return mutateRule({ id, description, intended: [intended].flat() }, "mutant", (body) =>
    when(body) ? makeRefusal("invalid_value", { param: "conformance" }) : null,
  );
}

/** No longer asks for something. */
export function dropRule(id: string, description: string, intended: string, rule: string): Mutant {
  return mutateRule({ id, description, intended: [intended] }, rule, () => null);
}

/** Refuses without saying which parameter is to blame. */
export function dropBlame(id: string, intended: string, blamed: string): Mutant {
  return mutateRefusal(
    { id, description: `a refusal that blames \`${blamed}\` does not say so`, intended: [intended] },
    ({ param }, call) => isChat(call) && param === blamed,
    ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
  );
}

/** Ends non-streaming answers by another reason; `change` gives undefined where the reason stays. */
export function mutateFinish(
  id: string,
  description: string,
  intended: string,
  change: (reason: unknown, body: ChatBody) => string | undefined,
): Mutant {
  return mutateChoice({ id, description, intended: [intended] }, (choice, body) => {
    const { finish_reason: reason } = choice;
    return { ...choice, finish_reason: change(reason, body) ?? reason };
  });
}

/** Loses parts of a valid request before it is answered. */
export function mutateRequest(naming: Naming, change: (body: ChatBody) => ChatBody): Mutant {
  return mutateOperation(naming, "createChatCompletion", ({ answer }) => ({
    answer: (request, context) => answer(change(request), context),
  }));
}

/** Leaves the calls of an operation out of something that an account is held to. */
export function releaseFrom(naming: Naming, constraint: Constraint, billed: BilledCall): Mutant {
  const isOf = ({ operation, request }: ConstrainedCall): boolean =>
    operation === billed.operation && asksForStream(request) === billed.isStreamed;
  return {
    ...naming,
    mutate: ({ constrains }) => ({
      constrains: (asked, call) => !(asked === constraint && isOf(call)) && constrains(asked, call),
    }),
  };
}

/** In whichever way the operation is asked for one; a form has texts only. */
export function asksForStream({ stream, stream_format: format }: Fields): boolean {
  return stream === true || stream === "true" || format === "sse";
}

/** A copy without one key. */
export function omit<T extends object>(value: T, key: string): T {
  const copy = { ...value };
  Reflect.deleteProperty(copy, key);
  return copy;
}

export function withoutHeader(reply: Reply, name: string): Partial<Reply> {
  return { headers: omit(reply.headers, name) };
}

export function withHeader(reply: Reply, name: string, value: string): Partial<Reply> {
  return { headers: { ...reply.headers, [name]: value } };
}

export function oneWrite(data: string | Uint8Array): readonly Write[] {
  return [{ data, afterMs: 0 }];
}

/** Longer than a check that measures takes for making. */
const MAKING_MS = 120;

/** Everything in one piece, when all of it has been made. */
export function afterAll(reply: Reply): readonly Write[] {
  const waitMs = reply.writes.reduce((sum, { afterMs }) => sum + afterMs, MAKING_MS);
  return [{ data: readReply(reply), afterMs: waitMs }];
}

export function readReply(reply: Reply): string {
  return reply.writes
    .map(({ data }) => (typeof data === "string" ? data : Buffer.from(data).toString("utf8")))
    .join("");
}

export function isStream(reply: Reply): boolean {
  return reply.headers["content-type"]?.startsWith("text/event-stream") === true;
}

export function isChatStream(reply: Reply, call: ReferenceCall): boolean {
  return isStream(reply) && isChat(call);
}

export function isChat(call: ReferenceCall): boolean {
  return call.operation === "createChatCompletion";
}

/** The sent body as text. */
export function readSent(call: ReferenceCall): string {
  return Buffer.from(call.body ?? []).toString("utf8");
}

/** The sent body; empty when it is no JSON object. */
export function parseSent(call: ReferenceCall): ChatBody {
  try {
    const value: unknown = JSON.parse(readSent(call));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
