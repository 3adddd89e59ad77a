/**
 * The types of `client.ai`, made from the list of native procedures. The server's router has the same ones, which
 * `native-types.test-d.ts` proves; so an application installs no server to have them.
 */

import type { NativePath, NativeProcedures } from "@openai-compat/spec";
import type { z } from "zod";

/** What every native call takes besides its input. */
export interface NativeCallOptions {
  /** Ends the call, and with it the server's work. */
  readonly signal?: AbortSignal;
}

/** What a procedure takes, such as `NativeInput<"prompt">`. */
export type NativeInput<Path extends NativePath> = z.input<NativeProcedures[Path]["input"]>;

/** What a procedure answers with; of a subscription, one of its events. */
export type NativeOutput<Path extends NativePath> = z.output<NativeProcedures[Path]["output"]>;

/**
 * The events of a subscription. Nothing is sent before somebody iterates, and it can be iterated once. A loop that ends
 * without an error has seen all events, each of them once, however often the connection was lost; leaving it ends the
 * server's work.
 */
export type NativeSubscription<Event> = AsyncGenerator<Event, void, undefined>;

type Parameters<Input> = undefined extends Input
  ? [input?: Input, options?: NativeCallOptions]
  : [input: Input, options?: NativeCallOptions];

type NativeResult<Path extends NativePath> = NativeProcedures[Path]["type"] extends "subscription"
  ? NativeSubscription<NativeOutput<Path>>
  : Promise<NativeOutput<Path>>;

/** One procedure as a function. It throws `ClientError`. */
export type NativeFunction<Path extends NativePath> = (
  ...parameters: Parameters<NativeInput<Path>>
) => NativeResult<Path>;

/** The procedures whose path begins with `Prefix`, by what follows. */
type NativeGroup<Prefix extends string> = {
  readonly [Path in NativePath as Path extends `${Prefix}.${infer Name}` ? Name : never]: NativeFunction<Path>;
};

/** The native procedures of the server as functions, grouped as their paths are: `ai.models.list()`, `ai.prompt({…})`. */
export type NativeClient = {
  readonly [Path in NativePath as Path extends `${string}.${string}` ? never : Path]: NativeFunction<Path>;
} & {
  readonly [Path in NativePath as Path extends `${infer Prefix}.${string}` ? Prefix : never]: NativeGroup<
    Path extends `${infer Prefix}.${string}` ? Prefix : never
  >;
};
