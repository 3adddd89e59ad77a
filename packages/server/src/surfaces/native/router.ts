/**
 * tRPC's router from the list of procedures and their handlers. The steps that all calls share are here: authorise,
 * credits, read and decode the input, call the handler.
 */

import { initTRPC, tracked } from "@trpc/server";
import type { AnyTRPCProcedure, TrackedEnvelope } from "@trpc/server";
import type { AiService, AuthorisedCall } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import type { NativePath, NativeProcedure } from "@openai-compat/spec";
import { decodeInput } from "./decode-input.ts";
import type { DecodedInput } from "./decode-input.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";
import type { NativeContext } from "./native-context.ts";
import { SERVED_AS } from "./native-handlers.ts";
import type { IdentifiedEvent, NativeCall, NativeHandlers } from "./native-handlers.ts";
import type { NativeRouter } from "./native-router.ts";
import type { RunEvents, SubscriptionRuns } from "./subscription-runs.ts";

const trpc = initTRPC.context<NativeContext>().create({
  // Never a stack in an error, whatever NODE_ENV says.
  isDev: false,
  errorFormatter: ({ error, path, type, ctx }) =>
    encodeNativeError(decodeTrpcError(error), {
      requestId: ctx?.requestId ?? null,
      path: path ?? null,
      isSubscription: type === "subscription",
    }),
});

export interface RouterParts {
  readonly handlers: NativeHandlers;
  readonly service: Pick<AiService, "admitBody">;
  readonly runs: SubscriptionRuns;
}

export function createNativeRouter(parts: RouterParts): NativeRouter {
  const root: Record<string, AnyTRPCProcedure> = {};
  const groups: Record<string, Record<string, AnyTRPCProcedure>> = {};
  for (const path of NATIVE_PATHS) {
    const [first = path, name] = path.split(".");
    const procedure = build(path, parts);
    if (name === undefined) root[first] = procedure;
    else groups[first] = { ...groups[first], [name]: procedure };
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from the list that the type is made from
  return trpc.router({ ...root, ...groups }) as unknown as NativeRouter;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record that is not widened
const NATIVE_PATHS = Object.keys(nativeProcedures) as NativePath[];

/** Whether it is the name of a procedure. */
export function isNativePath(path: string): path is NativePath {
  return Object.hasOwn(nativeProcedures, path);
}

function build(path: NativePath, parts: RouterParts): AnyTRPCProcedure {
  const { type, resumable }: NativeProcedure = nativeProcedures[path];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input is decoded by the schema of this path
  const handle = parts.handlers[path] as Handle;
  const opened = trpc.procedure.use(async ({ ctx, next, batchIndex }) => {
    const authorised = ctx.openCall(path);
    const decoded = await readInput(path, { context: ctx, authorised, batchIndex, service: parts.service });
    return next({ ctx: { ...decoded, authorised, openCall: ctx.openCall } });
  });
  switch (type) {
    case "query":
      return opened.query(({ ctx }) => handle(ctx.input, ctx));
    case "mutation":
      return opened.mutation(({ ctx }) => handle(ctx.input, ctx));
    case "subscription":
      return resumable === true
        ? opened.subscription(async ({ ctx }) => track(await beginOrResume(path, { ...ctx, handle, runs: parts.runs })))
        : opened.subscription(({ ctx }) => handle(ctx.input, ctx));
  }
}

/** As every handler is to what calls it. */
type Handle = (input: unknown, call: NativeCall, runId?: string) => Promise<AsyncIterable<unknown>>;

interface InputScope {
  readonly context: NativeContext;
  readonly authorised: AuthorisedCall;
  readonly batchIndex: number;
  readonly service: RouterParts["service"];
}

/** Cheap refusals first: an account without credits has nothing read. */
async function readInput(
  path: NativePath,
  { context, authorised, batchIndex, service }: InputScope,
): Promise<DecodedInput> {
  const served = SERVED_AS[path];
  // Who resumes has nothing to pay for any more.
  if (served !== undefined && context.lastEventId === null) await service.admitBody(authorised, served);
  const raw = await context.readInput(batchIndex);
  return decodeInput(path, raw, context.lastEventId);
}

interface RunScope extends NativeCall, DecodedInput {
  readonly openCall: NativeContext["openCall"];
  readonly handle: Handle;
  readonly runs: SubscriptionRuns;
}

async function beginOrResume(path: NativePath, scope: RunScope): Promise<RunEvents> {
  const { authorised, traceParent, lastEventId, input, runs } = scope;
  const { signal, principal } = authorised;
  const { accountId } = principal;
  if (lastEventId !== null) return runs.resume({ accountId, signal, lastEventId });
  return runs.begin({
    accountId,
    signal,
    start: (run) => scope.handle(input, { authorised: scope.openCall(path, run.signal), traceParent }, run.id),
  });
}

/** Not a generator: one that was never started would not close the events. */
function track(events: AsyncIterable<IdentifiedEvent<unknown>>): AsyncIterable<TrackedEnvelope<unknown>> {
  const iterator = events[Symbol.asyncIterator]();
  const tracking: AsyncIterableIterator<TrackedEnvelope<unknown>> = {
    async next() {
      const { done, value } = await iterator.next();
      return done === true ? { done, value: undefined } : { value: tracked(value.id, value.event) };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => tracking,
  };
  return tracking;
}
