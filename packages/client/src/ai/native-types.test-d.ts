/** The types of `client.ai`, checked by the compiler: this module is never run. */

import type { NativePath, NativeProcedures } from "@openai-compat/spec";
import type { NativeRouter } from "@openai-compat/server";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { Client, NativeInput, NativeOutput, NativeSubscription } from "../index.ts";

/** Stricter than whether each can be used as the other, which `any` always can. */
type Equal<Left, Right> =
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it makes the compiler compare the types
  (<Any>() => Any extends Left ? 1 : 2) extends <Any>() => Any extends Right ? 1 : 2 ? true : false;

/** Holds or does not compile. */
type Expect<Holds extends true> = Holds;

/** What stands at a path in the record of a router. */
type At<Tree, Path extends string> = Path extends `${infer Group}.${infer Name}`
  ? Group extends keyof Tree
    ? At<Tree[Group], Name>
    : "no such group"
  : Path extends keyof Tree
    ? Tree[Path]
    : "no such procedure";

/** An event without the id that the client keeps for itself. */
type EventOf<Output> =
  Output extends AsyncIterable<infer Event, void, unknown>
    ? Event extends { readonly id: string; readonly data: infer Data }
      ? Data
      : Event
    : Output;

/** The router's type adds `void` where nothing has to be given. */
type InputOf<Path extends NativePath> =
  undefined extends NativeInput<Path> ? NativeInput<Path> | void : NativeInput<Path>;

/** The paths at which the types of the client are not those of the server's router. */
type Mismatch = {
  [Path in NativePath]: [
    Equal<InputOf<Path>, At<inferRouterInputs<NativeRouter>, Path>>,
    Equal<NativeOutput<Path>, EventOf<At<inferRouterOutputs<NativeRouter>, Path>>>,
  ] extends [true, true]
    ? never
    : Path;
}[NativePath];

export type InputsAndOutputsAreThoseOfTheRouter = Expect<Equal<Mismatch, never>>;

/** The paths at which the client has no function. */
type Missing = {
  [Path in NativePath]: At<Client["ai"], Path> extends (...parameters: never) => unknown ? never : Path;
}[NativePath];

export type EveryProcedureIsAFunction = Expect<Equal<Missing, never>>;

type Result<Path extends NativePath> =
  At<Client["ai"], Path> extends (...parameters: never) => infer Returned ? Returned : never;

/** The paths whose function does not give what the type of the procedure says. */
type WrongResult = {
  [Path in NativePath]: Equal<
    Result<Path>,
    NativeProcedures[Path]["type"] extends "subscription"
      ? NativeSubscription<NativeOutput<Path>>
      : Promise<NativeOutput<Path>>
  > extends true
    ? never
    : Path;
}[NativePath];

export type SubscriptionsAreIterablesAndTheOthersPromises = Expect<Equal<WrongResult, never>>;

export async function compileMistakes({ ai }: Client): Promise<void> {
  // @ts-expect-error -- a field that no prompt has
  await ai.prompt({ promt: "Hello." });
  // @ts-expect-error -- a field of another type
  await ai.prompt({ prompt: "Hello.", temperature: "hot" });
  // @ts-expect-error -- a prompt needs an input
  await ai.prompt();
  // @ts-expect-error -- no such procedure
  await ai.models.lst();
  // @ts-expect-error -- a list of models takes no input
  await ai.models.list({ id: "a" });
  // @ts-expect-error -- a signal is no number
  await ai.models.list(undefined, { signal: 5 });
  // @ts-expect-error -- an answer has no such field
  (await ai.prompt({ prompt: "Hello." })).txt satisfies string;
  // @ts-expect-error -- a subscription is no promise
  ai.promptStream({ prompt: "Hello." }) satisfies Promise<unknown>;
}

export async function compileNarrowing({ ai }: Client): Promise<void> {
  for await (const event of ai.promptStream({ prompt: "Hello." })) {
    // @ts-expect-error -- not every event has a text
    event.text satisfies string;
    if (event.type === "text-delta") event.text satisfies string;
    if (event.type === "end") event.usage.outputTokens satisfies number;
    // @ts-expect-error -- no event has this type
    if (event.type === "text") return;
  }
  const [model] = await ai.models.list();
  model?.type satisfies "chat" | "embedding" | "transcription" | "speech" | undefined;
}
