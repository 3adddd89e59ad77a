/** The child's end of the connection: opens the model that the parent names, and runs the calls that come. */

import { setImmediate } from "node:timers";
import { decodeAiError, encodeAiError } from "@openai-compat/core";
import { EVENTS_AHEAD_MAX } from "./host-protocol.ts";
import type { ChildMessage, ChildPort, ParentMessage } from "./host-protocol.ts";
import { cleanLine, limitLines } from "./native-lines.ts";
import type { NativeKinds, NativeLine, NativeLog, NativeModel } from "./native-model.ts";

interface RunningCall {
  readonly controller: AbortController;
  credits: number;
  /** Ends the wait for credits. */
  wake: () => void;
}

type CallMessage = Extract<ParentMessage, { argument: unknown }>;

/** The reason of a stream's abort whose consumer has left. */
const LEFT = new Error("Nobody consumes the stream any more.");

/** The reason of the abort of a stream one of whose events can't be sent. */
const UNSENDABLE = new Error("An event of the stream can't be sent.");

/** @param exit called when the model was disposed of. A failure of that is thrown. */
export function serveNativeModel(port: ChildPort, kinds: NativeKinds, exit: () => void): void {
  const calls = new Map<number, RunningCall>();
  const post = openOutbox(port, (id) => abort(calls.get(id), UNSENDABLE));
  let model: NativeModel | null = null;

  async function open({ kind, settings, logLinesPerMinute }: Extract<ParentMessage, { type: "open" }>): Promise<void> {
    try {
      const openModel = kinds[kind];
      if (openModel === undefined) throw new Error(`There is no native model of the kind ${kind}.`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parent sends the settings of this kind
      model = await openModel(settings as never, openLog(post, logLinesPerMinute));
      post({ type: "opened", answers: Object.keys(model.answers), streams: Object.keys(model.streams) });
    } catch (thrown) {
      post({ type: "open-failed", error: encodeAiError(thrown) });
    }
  }

  async function start(message: CallMessage): Promise<void> {
    const { id } = message;
    const call: RunningCall = { controller: new AbortController(), credits: EVENTS_AHEAD_MAX, wake: () => {} };
    const { signal } = call.controller;
    calls.set(id, call);
    try {
      if (message.type === "ask") post({ type: "answer", id, value: await ask(model, message, signal) });
      else {
        await stream(model, message, { call, post });
        post({ type: "end", id });
      }
    } catch (thrown) {
      post({
        type: "failed",
        id,
        error: signal.aborted && thrown === signal.reason ? null : encodeAiError(thrown, signal),
      });
    } finally {
      calls.delete(id);
    }
  }

  async function close(): Promise<void> {
    await model?.dispose();
    exit();
  }

  port.receive((message) => {
    switch (message.type) {
      case "open":
        void open(message);
        return;
      case "ask":
      case "listen":
        void start(message);
        return;
      case "credit": {
        const call = calls.get(message.id);
        if (call === undefined) return;
        call.credits += message.events;
        call.wake();
        return;
      }
      case "abort":
        abort(calls.get(message.id), decodeAiError(message.reason));
        return;
      case "leave":
        abort(calls.get(message.id), LEFT);
        return;
      case "ping":
        post({ type: "pong", rssBytes: process.memoryUsage.rss() + (model?.otherBytes?.() ?? 0) });
        return;
      case "close":
        void close();
    }
  });
}

function abort(call: RunningCall | undefined, reason: Error): void {
  call?.controller.abort(reason);
  call?.wake();
}

async function ask(model: NativeModel | null, { name, argument }: CallMessage, signal: AbortSignal): Promise<unknown> {
  const answer = model?.answers[name];
  if (answer === undefined) throw new Error(`The native model has no function ${name}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parent's function of this name has the same type
  return answer(argument as never, signal);
}

async function stream(
  model: NativeModel | null,
  { id, name, argument }: CallMessage,
  { call, post }: { readonly call: RunningCall; readonly post: (message: ChildMessage) => void },
): Promise<void> {
  const { signal } = call.controller;
  const open = model?.streams[name];
  if (open === undefined) throw new Error(`The native model has no stream ${name}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as in `ask`
  for await (const event of open(argument as never, signal)) {
    post({ type: "event", id, event });
    call.credits -= 1;
    while (call.credits <= 0 && !signal.aborted) await new Promise<void>((resolve) => (call.wake = resolve));
    signal.throwIfAborted();
  }
}

function openLog(post: (message: ChildMessage) => void, linesPerMinute: number): NativeLog {
  const options = { linesPerMinute, nowMs: () => performance.now() };
  const log = limitLines<NativeLine>((line) => post({ type: "log", ...line }), options);
  return (level, text) => log({ level, line: cleanLine(text) });
}

/**
 * Collects what is said in one round of the event loop, and sends it as one message. An answer or event that can't be cloned fails its own
 * call alone.
 *
 * @param onUnsendable called with that call's id
 */
function openOutbox(port: ChildPort, onUnsendable: (id: number) => void) {
  let waiting: ChildMessage[] = [];

  function send(messages: readonly ChildMessage[]): void {
    try {
      port.send(messages);
    } catch {
      for (const message of messages) sendAlone(message);
    }
  }

  function sendAlone(message: ChildMessage): void {
    try {
      port.send([message]);
    } catch (thrown) {
      if (message.type !== "answer" && message.type !== "event") throw thrown;
      const { id } = message;
      port.send([{ type: "failed", id, error: encodeAiError(thrown) }]);
      onUnsendable(id);
    }
  }

  return (message: ChildMessage): void => {
    if (waiting.length === 0) {
      setImmediate(() => {
        const messages = waiting;
        waiting = [];
        send(messages);
      });
    }
    waiting.push(message);
  };
}
