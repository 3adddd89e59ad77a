/** Makes `client.ai`: a function for each native procedure. */

import type { NativePath } from "@openai-compat/spec";
import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { createAbortError } from "../http/call-watch.ts";
import { createEventConnection } from "./event-frames.ts";
import { mapNativeError } from "./map-native-error.ts";
import { createCallClient } from "./native-links.ts";
import type { NativeCallOptions, NativeClient } from "./native-types.ts";
import { isNativePath, procedureTraits } from "./procedure-traits.ts";
import { resumeEvents } from "./resume-events.ts";
import type { Connect } from "./resume-events.ts";

type CallClient = ReturnType<typeof createCallClient>;

/** What the functions of all procedures share. */
interface Shared {
  readonly calls: CallClient;
  readonly connect: Connect;
  readonly reconnectMs: number;
}

export function createNative(clientSettings: ClientSettings): NativeClient {
  const settings = { ...clientSettings, baseURL: clientSettings.trpcURL };
  const calls = createCallClient(settings);
  const connect = settings.subscriptions === "sse" ? createEventConnection(settings) : connectLazily(settings);
  const shared = { calls, connect, reconnectMs: settings.reconnectMs };
  const root: Record<string, unknown> = {};
  for (const path of Object.keys(procedureTraits)) {
    if (!isNativePath(path)) continue;
    const [first = path, name] = path.split(".");
    const run = createFunction(path, shared);
    root[first] = name === undefined ? run : { ...Object(root[first]), [name]: run };
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made from the list that the type is made from
  return root as unknown as NativeClient;
}

/** The part for WebSockets is loaded by the first subscription that uses it. */
function connectLazily(settings: ClientSettings): Connect {
  let connect: Promise<Connect> | null = null;
  const load = async () => (await import("./socket-events.ts")).createSocketConnection(settings);
  return async function* connectBySocket(connection) {
    connect ??= load();
    yield* (await connect)(connection);
  };
}

function createFunction(path: NativePath, shared: Shared) {
  const { type } = procedureTraits[path];
  return (input?: unknown, options: NativeCallOptions = {}) =>
    type === "subscription"
      ? subscribe({ path, input, signal: options.signal ?? null }, shared)
      : call({ path, input, signal: options.signal ?? null }, shared);
}

interface NativeCall {
  readonly path: NativePath;
  readonly input: unknown;
  readonly signal: AbortSignal | null;
}

async function call({ path, input, signal }: NativeCall, { calls }: Pick<Shared, "calls">): Promise<unknown> {
  if (signal?.aborted === true) throw createAbortError(signal);
  const isQuery = procedureTraits[path].type === "query";
  const options = signal === null ? {} : { signal };
  const answer = isQuery ? calls.query(path, input, options) : calls.mutation(path, input, options);
  return rejectWhenAborted(answer, signal).catch((thrown: unknown) => {
    throw mapNativeError(thrown);
  });
}

/** At once, although a batch goes on for its other calls. */
async function rejectWhenAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal | null): Promise<Answer> {
  if (signal === null) return answer;
  return new Promise<Answer>((resolve, reject) => {
    const stop = () => reject(createAbortError(signal));
    signal.addEventListener("abort", stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

async function* subscribe(subscription: NativeCall, shared: Shared): AsyncGenerator<unknown, void> {
  let runId: string | null = null;
  let isOver = false;
  try {
    const events = resumeEvents(shared.connect, subscription, {
      reconnectMs: shared.reconnectMs,
      now: () => performance.now(),
    });
    for await (const { id, data } of events) {
      runId ??= readRunId(id);
      yield data;
    }
    isOver = true;
  } catch (thrown) {
    // What the server has said about a run ends it.
    isOver = thrown instanceof ClientError && thrown.kind === "api";
    throw thrown;
  } finally {
    if (!isOver && runId !== null && procedureTraits[subscription.path].isCancelled === true) cancelRun(runId, shared);
  }
}

/** An event's id is that of its run, a colon and a number. */
function readRunId(eventId: string | null): string | null {
  const end = eventId?.lastIndexOf(":") ?? -1;
  return eventId === null || end === -1 ? null : eventId.slice(0, end);
}

/**
 * The server would go on for the time in which a lost connection can come back. That is also what becomes of a run
 * whose cancellation fails, so nobody has to know of it.
 */
function cancelRun(id: string, { calls }: Shared): void {
  calls.mutation("promptCancel", { id }).catch(() => {});
}
