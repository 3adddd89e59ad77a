/**
 * The type of the router, made from the list of procedures in the specification: what a client infers its calls from.
 * It names no engine, no store and nothing else of the server.
 */

import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
import type { NativeErrorData, NativeProcedures } from "@openai-compat/spec";
import type { z } from "zod";

/** How a failed call looks on the wire. */
export interface NativeErrorShape {
  readonly message: string;
  /** tRPC's number of the kind of failure; `data.code` says more. */
  readonly code: number;
  readonly data: NativeErrorData;
}

interface RootTypes {
  ctx: object;
  meta: object;
  errorShape: NativeErrorShape;
  transformer: false;
}

interface Definition<Input, Output> {
  meta: unknown;
  input: Input;
  output: Output;
}

/** What a client is given of an event that has an id: tRPC sends its envelope so. */
interface TrackedEvent<Data> {
  id: string;
  data: Data;
}

type Event<Procedure> = Procedure extends { readonly output: infer Output extends z.ZodType }
  ? Procedure extends { readonly resumable: true }
    ? TrackedEvent<z.output<Output>>
    : z.output<Output>
  : never;

type BuiltProcedure<Procedure> = Procedure extends {
  readonly type: infer Type;
  readonly input: infer Input extends z.ZodType;
  readonly output: infer Output extends z.ZodType;
}
  ? Type extends "query"
    ? TRPCQueryProcedure<Definition<z.input<Input>, z.output<Output>>>
    : Type extends "mutation"
      ? TRPCMutationProcedure<Definition<z.input<Input>, z.output<Output>>>
      : TRPCSubscriptionProcedure<Definition<z.input<Input>, AsyncIterable<Event<Procedure>, void, unknown>>>
  : never;

type FirstName<Path extends string> = Path extends `${infer First}.${string}` ? First : Path;

/** The procedures by their first names, those of a group in a record of their own. */
type RecordOf<Procedures> = {
  [First in FirstName<keyof Procedures & string>]: First extends keyof Procedures
    ? BuiltProcedure<Procedures[First]>
    : {
        [
          Path in keyof Procedures & `${First}.${string}` as Path extends `${First}.${infer Rest}` ? Rest : never
        ]: BuiltProcedure<Procedures[Path]>;
      };
};

export type NativeRouter = TRPCBuiltRouter<RootTypes, RecordOf<NativeProcedures>>;
