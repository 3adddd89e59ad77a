/** What answers the procedures: one handler each, with decoded input, an authorised call and typed output. */

import type { AuthorisedCall, ModelOperationId } from "@openai-compat/core";
import type { NativePath, NativeProcedures } from "@openai-compat/spec";
import type { z } from "zod";

/** One call of a procedure. */
export interface NativeCall {
  readonly authorised: AuthorisedCall;
  /** What an upstream's work is to be traced under; null for nothing. */
  readonly traceParent: string | null;
}

/** An event, and the id with which a client goes on behind it. */
export interface IdentifiedEvent<Event> {
  readonly id: string;
  readonly event: Event;
}

type Input<Path extends NativePath> = z.output<NativeProcedures[Path]["input"]>;
type Output<Path extends NativePath> = z.output<NativeProcedures[Path]["output"]>;

type Procedure<Path extends NativePath> = NativeProcedures[Path];

type Answer<Path extends NativePath> =
  Procedure<Path> extends { readonly type: "subscription" } ? AsyncIterable<Output<Path>> : Output<Path>;

/**
 * The work of a resumable subscription outlives its connection: its call has a signal of its own.
 *
 * @throws AiError. A subscription that can't begin rejects; one that breaks throws while it is iterated.
 */
export type NativeHandler<Path extends NativePath> =
  Procedure<Path> extends { readonly resumable: true }
    ? (input: Input<Path>, call: NativeCall, runId: string) => Promise<Answer<Path>>
    : (input: Input<Path>, call: NativeCall) => Answer<Path> | Promise<Answer<Path>>;

/** Total: a procedure of the list without a handler does not compile. */
export type NativeHandlers = { readonly [Path in NativePath]: NativeHandler<Path> };

/**
 * The operation of `/v1` that a procedure does the work of. An account without credits is refused before the input is
 * read, where no model of the operation is free.
 */
export const SERVED_AS: Readonly<Partial<Record<NativePath, ModelOperationId>>> = {
  prompt: "createChatCompletion",
  promptStream: "createChatCompletion",
  embed: "createEmbedding",
  speak: "createSpeech",
  speakStream: "createSpeech",
  "transcription.open": "connectRealtime",
};
