/**
 * Engines as if they lived in another process: every argument, answer, event and error goes through a structured clone by
 * itself, and of a signal nothing but its abort.
 */

import { decodeAiError, encodeAiError } from "../ai-error-data.ts";
import type { ChatEngine } from "../engine/chat-engine.ts";
import type { EmbeddingEngine } from "../engine/embedding-engine.ts";
import type { SpeechEngine } from "../engine/speech-engine.ts";
import type { LiveTranscription, TranscriptionEngine } from "../engine/transcription-engine.ts";
import type { UpstreamEngine } from "../engine/upstream-engine.ts";
import type { UpstreamRealtime } from "../engine/upstream-realtime.ts";

export function createClonedChatEngine(engine: ChatEngine): ChatEngine {
  const { recommendedSampling, leases } = engine;
  return {
    type: engine.type,
    limits: send(engine.limits),
    ...(recommendedSampling !== undefined && { recommendedSampling: send(recommendedSampling) }),
    prepare: (prompt, signal) => ask(signal, (remote) => engine.prepare(send(prompt), remote)),
    prepareText: (prompt, signal) => ask(signal, (remote) => engine.prepareText(send(prompt), remote)),
    generate: (request, signal) => listen(signal, (remote) => engine.generate(send(request), remote)),
    ...(leases !== undefined && {
      leases: {
        take: (signal) => ask(signal, (remote) => leases.take(remote)),
        release: (leaseId) => leases.release(send(leaseId)),
      },
    }),
    close: () => engine.close(),
  };
}

export function createClonedEmbeddingEngine(engine: EmbeddingEngine): EmbeddingEngine {
  return {
    type: engine.type,
    limits: send(engine.limits),
    isTruncatable: engine.isTruncatable,
    prepare: (inputs, signal) => ask(signal, (remote) => engine.prepare(send(inputs), remote)),
    embed: (inputs, signal) => listen(signal, (remote) => engine.embed(send(inputs), remote)),
    close: () => engine.close(),
  };
}

export function createClonedTranscriptionEngine(engine: TranscriptionEngine): TranscriptionEngine {
  return {
    type: engine.type,
    limits: send(engine.limits),
    prepare: (request, signal) => ask(signal, (remote) => engine.prepare(send(request), remote)),
    transcribe: (prepared, signal) => listen(signal, (remote) => engine.transcribe(send(prepared), remote)),
    live: engine.live === null ? null : cloneLive(engine.live),
    release: (audioId) => engine.release(send(audioId)),
    close: () => engine.close(),
  };
}

function cloneLive(live: LiveTranscription): LiveTranscription {
  return {
    turns: send(live.turns),
    detectSpeech: (audio, detection, signal) =>
      listen(signal, (remote) => live.detectSpeech(feed(audio), send(detection), remote)),
    transcribe: (audio, options, signal) =>
      listen(signal, (remote) => live.transcribe(feed(audio), send(options), remote)),
  };
}

/** The pieces arrive one by one, and so does what they fail with. */
async function* feed(audio: AsyncIterable<Int16Array>): AsyncGenerator<Int16Array, void> {
  try {
    for await (const piece of audio) yield send(piece);
  } catch (thrown) {
    throw decodeAiError(send(encodeAiError(thrown)));
  }
}

export function createClonedSpeechEngine(engine: SpeechEngine): SpeechEngine {
  return {
    type: engine.type,
    limits: send(engine.limits),
    voices: send(engine.voices),
    prepare: (request, signal) => ask(signal, (remote) => engine.prepare(send(request), remote)),
    speak: (request, signal) => listen(signal, (remote) => engine.speak(send(request), remote)),
    close: () => engine.close(),
  };
}

export function createClonedUpstreamEngine(engine: UpstreamEngine): UpstreamEngine {
  const { connectRealtime } = engine;
  return {
    type: engine.type,
    limits: send(engine.limits),
    operations: send(engine.operations),
    bridgesResponses: engine.bridgesResponses,
    forward: (request, signal) => listen(signal, (remote) => engine.forward(send(request), remote)),
    connectRealtime:
      connectRealtime &&
      ((request, { signal, isModel }) => {
        const connection = connect(signal);
        return connection.run(async () =>
          cloneSession(await connectRealtime(send(request), { signal: connection.remote, isModel }), connection),
        );
      }),
    upstreams: () => send(engine.upstreams()),
    close: () => engine.close(),
  };
}

function send<Message>(message: Message): Message {
  requirePlain(message);
  return structuredClone(message);
}

/** A clone silently drops what it can't copy of an object: its class, its accessors and what they would say later. */
function requirePlain(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) requirePlain(item);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new Error("An instance of a class is no plain data.");
  for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (!("value" in descriptor)) throw new Error(`The member ${key} is no plain data.`);
    requirePlain(descriptor.value);
  }
}

/** The session itself stays where it is: what it is called with and what it gives are cloned. */
function cloneSession(session: UpstreamRealtime, connection: Connection): UpstreamRealtime {
  return {
    encode: (frame) => {
      try {
        return send(session.encode(send(frame)));
      } catch (thrown) {
        throw connection.receive(thrown);
      }
    },
    send: (text) => connection.run(() => session.send(send(text))),
    frames: connection.iterate(() => session.frames),
    usage: (isBroken) => send(session.usage(send(isBroken))),
    maxUsage: () => send(session.maxUsage()),
    counts: () => send(session.counts()),
    close: () => session.close(),
  };
}

async function ask<Answer>(signal: AbortSignal, call: (remote: AbortSignal) => Promise<Answer>): Promise<Answer> {
  const connection = connect(signal);
  return connection.run(async () => send(await call(connection.remote)));
}

function listen<Event>(
  signal: AbortSignal,
  call: (remote: AbortSignal) => AsyncIterable<Event>,
): AsyncGenerator<Event, void> {
  const connection = connect(signal);
  return connection.iterate(() => call(connection.remote));
}

interface Connection {
  readonly remote: AbortSignal;
  /** @returns what is thrown here for what the engine threw there. */
  receive(thrown: unknown): unknown;
  run<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  iterate<Event>(work: () => AsyncIterable<Event>): AsyncGenerator<Event, void>;
}

/** Stays connected: a lease ends with an abort that comes long after its call. */
function connect(signal: AbortSignal): Connection {
  const controller = new AbortController();
  const { signal: remote } = controller;
  const onAbort = () => controller.abort(decodeAiError(send(encodeAiError(signal.reason, signal))));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  function receive(thrown: unknown): unknown {
    const isAbort = remote.aborted && thrown === remote.reason;
    const failure = send({ error: isAbort ? null : encodeAiError(thrown, remote) });
    return failure.error === null ? signal.reason : decodeAiError(failure.error);
  }

  return {
    remote,
    receive,
    async run(work) {
      try {
        return await work();
      } catch (thrown) {
        throw receive(thrown);
      }
    },
    async *iterate(work) {
      try {
        for await (const event of work()) yield send(event);
      } catch (thrown) {
        throw receive(thrown);
      }
    },
  };
}
