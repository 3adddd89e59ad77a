/**
 * tRPC's router from the list of procedures and their handlers. The steps that all calls share are here: authorise,
 * credits, read and decode the input, call the handler.
 */

import { initTRPC, tracked } from "@trpc/server";
import type { AnyTRPCProcedure, TrackedEnvelope } from "@trpc/server";
import type { AiService } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import type { NativePath, NativeProcedure } from "@openai-compat/spec";
import { decodeInput } from "./decode-input.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";
import type { NativeContext } from "./native-context.ts";
import { SERVED_AS } from "./native-handlers.ts";
import type { IdentifiedEvent, NativeCall, NativeHandlers } from "./native-handlers.ts";
import type { NativeRouter } from "./native-router.ts";

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

export type NativeService = Pick<AiService, "admitBody">;

export function createNativeRouter(handlers: NativeHandlers, service: NativeService): NativeRouter {
  const root: Record<string, AnyTRPCProcedure> = {};
  const groups: Record<string, Record<string, AnyTRPCProcedure>> = {};
  for (const path of NATIVE_PATHS) {
    const [first = path, name] = path.split(".");
    const procedure = build(path, handlers, service);
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

function build(path: NativePath, handlers: NativeHandlers, service: NativeService): AnyTRPCProcedure {
  const { type, resumable }: NativeProcedure = nativeProcedures[path];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the input is decoded by the schema of this path
  const handle = handlers[path] as (input: unknown, call: NativeCall) => unknown;
  const opened = trpc.procedure.use(async ({ ctx, next, batchIndex }) => {
    const authorised = ctx.openCall(path);
    const served = SERVED_AS[path];
    // Who resumes has nothing to pay for any more.
    if (served !== undefined && ctx.lastEventId === null) await service.admitBody(authorised, served);
    const { input, lastEventId } = decodeInput(path, await ctx.readInput(batchIndex));
    const call: NativeCall = {
      authorised,
      traceParent: ctx.traceParent,
      lastEventId: lastEventId ?? ctx.lastEventId,
    };
    return next({ ctx: { handle: () => handle(input, call) } });
  });
  switch (type) {
    case "query":
      return opened.query(({ ctx }) => ctx.handle());
    case "mutation":
      return opened.mutation(({ ctx }) => ctx.handle());
    case "subscription":
      return opened.subscription(async ({ ctx }) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the handler of a subscription gives
        const events = (await ctx.handle()) as AsyncIterable<IdentifiedEvent<unknown>>;
        return resumable === true ? track(events) : events;
      });
  }
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
