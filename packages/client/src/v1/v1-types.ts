/** The types of `client.v1`, derived from the table of operations. */

import type { HttpOperation, HttpOperationId, operations, Streaming } from "@openai-compat/spec";
import type { z } from "zod";
import type { BinaryAnswer } from "./binary-answer.ts";
import type { CallOptions } from "./call-options.ts";
import type { RealtimeInput, RealtimeOptions } from "./connect-realtime.ts";
import type { RealtimeSession } from "./realtime-session.ts";
import type { Stream } from "./stream.ts";
import type { Upload } from "./upload.ts";

type Operations = typeof operations;
type Schema = z.ZodType | null;

/** An object type; `unknown` where it has no keys. */
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

type QueryInput<Defined extends HttpOperation> = Defined extends { readonly queryParameters: infer Query }
  ? { [Key in keyof Query]?: Query[Key] extends z.ZodType ? z.input<Query[Key]> : never }
  : unknown;

type InputOf<Defined extends HttpOperation> = BodyInput<Defined> & PathInput<Defined> & QueryInput<Defined>;

/** An answer as it is validated: `null` may stand in an optional field, and a text that is one of several may be another. */
type Lenient<Shape> = LenientPart<Shape> | (IsUnion<Extract<Shape, string>> extends true ? OtherText : never);

/** Any text; editors still suggest the known ones beside it. */
type OtherText = string & Record<never, never>;

type IsUnion<Members, Each = Members> = [Members] extends [never]
  ? false
  : Each extends unknown
    ? [Members] extends [Each]
      ? false
      : true
    : never;

type LenientPart<Shape> = Shape extends readonly (infer Element)[]
  ? Lenient<Element>[]
  : Shape extends object
    ? {
        [Key in keyof Shape]: string extends Key
          ? Shape[Key]
          : object extends Pick<Shape, Key>
            ? Lenient<Shape[Key]> | null
            : Lenient<Shape[Key]>;
      }
    : Shape;

type Output<Shape extends Schema> = Shape extends z.ZodType ? Lenient<z.output<Shape>> : never;

type TextFormat<Defined extends HttpOperation> = Defined["textFormats"][number];

type AnswerOf<Defined extends HttpOperation> =
  | (Defined["response"] extends z.ZodType ? Output<Defined["response"]> : BinaryAnswer)
  | (TextFormat<Defined> extends never ? never : string);

type EventOf<Defined extends HttpOperation> = Output<Defined["streamEvent"]>;

type Call<Input, Answer> = (input: Input, options?: CallOptions) => Promise<Answer>;

/** The input where one field has certain values; another one may then not be left out if its type has no null. */
type With<Input, Field extends PropertyKey, Value> = Omit<Input, Field> & Record<Field, Value>;
type Without<Input, Field extends PropertyKey, Value> = Omit<Input, Field> & {
  [Key in Field]?: Key extends keyof Input ? Exclude<Input[Key], Value> : never;
};

type UnionToIntersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  member: infer Intersection,
) => void
  ? Intersection
  : never;

/** A call per format that has an answer of its own, and those without a format. */
type FormatCalls<Defined extends HttpOperation, Input> = UnionToIntersection<
  {
    [Format in keyof Defined["responseByFormat"]]: Call<
      With<Input, "response_format", Format>,
      Output<Defined["responseByFormat"][Format]>
    >;
  }[keyof Defined["responseByFormat"]]
> &
  Call<With<Input, "response_format", TextFormat<Defined>>, string> &
  Call<Omit<Input, "response_format"> & { response_format?: undefined }, DefaultAnswer<Defined>>;

type DefaultAnswer<Defined extends HttpOperation> = Defined["responseByFormat"] extends {
  json: infer Shape extends Schema;
}
  ? Output<Shape>
  : AnswerOf<Defined>;

type WholeCalls<Defined extends HttpOperation, Input> =
  TextFormat<Defined> extends never
    ? Call<Input, AnswerOf<Defined>>
    : FormatCalls<Defined, Input> & Call<Input, AnswerOf<Defined>>;

/** First those that narrow the answer, then one for an input that says it only when the program runs. */
type StreamingCalls<Defined extends HttpOperation, How extends Streaming> = Call<
  With<InputOf<Defined>, How["field"], How["value"]>,
  Stream<EventOf<Defined>>
> &
  WholeCalls<Defined, Without<InputOf<Defined>, How["field"], How["value"]>> &
  Call<InputOf<Defined>, AnswerOf<Defined> | Stream<EventOf<Defined>>>;

type OperationCall<Defined extends HttpOperation> = Defined["streaming"] extends Streaming
  ? StreamingCalls<Defined, Defined["streaming"]>
  : unknown extends InputOf<Defined>
    ? (input?: Readonly<Record<string, never>>, options?: CallOptions) => Promise<AnswerOf<Defined>>
    : WholeCalls<Defined, InputOf<Defined>>;

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
export type V1Event<Id extends HttpOperationId> = EventOf<Operations[Id]>;
