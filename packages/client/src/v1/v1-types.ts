/** The types of `client.v1`, derived from the table of operations. */

import type { HttpOperation, HttpOperationId, operations, Streaming } from "@openai-compat/spec";
import type { z } from "zod";
import type { BinaryAnswer } from "./binary-answer.ts";
import type { RealtimeInput, RealtimeOptions } from "./connect-realtime.ts";
import type { RealtimeSession } from "./realtime-session.ts";
import type { Stream } from "./stream.ts";
import type { Upload } from "./upload.ts";

export interface CallOptions {
  /** Ends the call, also while it waits for its next attempt. */
  readonly signal?: AbortSignal;
  /** Sent beside the client's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the client's. */
  readonly timeoutMs?: number;
  /** Whether input and answer are validated. Default: the client's. */
  readonly validate?: boolean;
  /** Fields that the server knows and the specification doesn't; sent in the body, unchecked. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

type Operations = typeof operations;
type Schema = z.ZodType | null;

/** The keys of an object type; `unknown` where it has none. */
type Fields<Shape> = keyof Shape extends never ? unknown : Shape;

/** A form's files may come from anywhere; its other fields are what they are once decoded. */
type FormInput<Form> = { [Key in keyof Form]: Form[Key] extends File ? Upload : Form[Key] };

type BodyInput<Defined extends HttpOperation> = Defined["request"] extends z.ZodType
  ? Defined["requestContentType"] extends "multipart/form-data"
    ? FormInput<z.output<Defined["request"]>>
    : z.input<Defined["request"]>
  : unknown;

type PathInput<Defined extends HttpOperation> = Fields<{
  [Key in keyof Defined["pathParameters"]]: z.input<Defined["pathParameters"][Key]>;
}>;

type InputOf<Defined extends HttpOperation> = BodyInput<Defined> & PathInput<Defined>;

type Output<Shape extends Schema> = Shape extends z.ZodType ? z.output<Shape> : never;

type AnswerOf<Defined extends HttpOperation> = Defined["response"] extends z.ZodType
  ? Output<Defined["response"]>
  : BinaryAnswer;

type Call<Input, Answer> = (input: Input, options?: CallOptions) => Promise<Answer>;

/** The input with the field that asks for a stream, or with any other value of it. */
type Streamed<Input, How extends Streaming> = Omit<Input, How["field"]> & Record<How["field"], How["value"]>;
type Unstreamed<Input, How extends Streaming> = Omit<Input, How["field"]> & {
  [Key in How["field"]]?: Key extends keyof Input ? Exclude<Input[Key], How["value"]> : never;
};

type StreamingCall<Input, Answer, How extends Streaming, Event> = Call<Streamed<Input, How>, Stream<Event>> &
  Call<Unstreamed<Input, How>, Answer> &
  Call<Input, Answer | Stream<Event>>;

type OperationCall<Defined extends HttpOperation> = Defined["streaming"] extends Streaming
  ? StreamingCall<InputOf<Defined>, AnswerOf<Defined>, Defined["streaming"], Output<Defined["streamEvent"]>>
  : unknown extends InputOf<Defined>
    ? (input?: Readonly<Record<string, never>>, options?: CallOptions) => Promise<AnswerOf<Defined>>
    : Call<InputOf<Defined>, AnswerOf<Defined>>;

/** `create-realtime-client-secret` → `createRealtimeClientSecret`. */
type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** One function per operation, named as OpenAI's document names it. All throw `ClientError`. */
export type V1 = {
  readonly [Id in HttpOperationId as CamelCase<Id>]: OperationCall<Operations[Id]>;
} & {
  /** Opens a session that transcribes while somebody speaks. */
  readonly connectRealtime: (input: RealtimeInput, options?: RealtimeOptions) => Promise<RealtimeSession>;
};

/** What the function of an operation takes, such as `V1Input<"createChatCompletion">`. */
export type V1Input<Id extends HttpOperationId> = InputOf<Operations[Id]>;
/** What the function of an operation answers without a stream. */
export type V1Answer<Id extends HttpOperationId> = AnswerOf<Operations[Id]>;
/** One event of an operation's stream. */
export type V1Event<Id extends HttpOperationId> = Output<Operations[Id]["streamEvent"]>;
