/** Upstreams whose failures reach the client in the wrong format, reveal too much, or are hidden. */

import { FAILING_MODELS, HABIT_MODELS, UPSTREAM_SECRET } from "../../models.ts";
import type { ReferenceCall, Reply } from "../../call.ts";
import {
  isStream,
  type Mutant,
  mutateChunks,
  mutateCompletion,
  mutateRefusal,
  mutateReply,
  parseSent,
} from "../mutant.ts";

type Failing = keyof typeof FAILING_MODELS;

function isFor(role: Failing, call: ReferenceCall): boolean {
  return parseSent(call)["model"] === FAILING_MODELS[role];
}

/** Another status where the upstream fails. */
function restatus(role: Failing, status: number, intended: string): Mutant {
  return mutateReply(
    { id: `upstream.${role}-is-${status}`, description: `${role} is a ${status}`, intended: [intended] },
    (reply, call) => reply.status >= 500 && isFor(role, call),
    () => ({ status }),
  );
}

/** Another message where the upstream fails. */
function say(id: string, role: Failing, message: string, intended: string): Mutant {
  return mutateRefusal(
    { id, description: `the message is "${message}"`, intended: [intended] },
    (refusal, call) => refusal.status >= 500 && isFor(role, call),
    ({ type, param, code }) => ({ error: { message, type, param, code } }),
  );
}

/** Changes the frames of a stream that breaks off: the last of them is the error. */
function mutateBreak(naming: Omit<Mutant, "mutate">, change: (frames: readonly string[]) => readonly string[]): Mutant {
  return {
    ...naming,
    mutate: ({ frames }) => ({
      frames: (given, call) => (isFor("upstream_breaks", call) ? change(frames(given, call)) : frames(given, call)),
    }),
  };
}

/** A model whose upstream compresses is of no use: its answers are failures. */
function failCompressed(kind: "non-streaming" | "stream"): Mutant {
  return mutateReply(
    {
      id: `upstream.compressed-${kind}-is-500`,
      description: `a compressed answer (${kind}) of an upstream is a 500`,
      intended: [`upstreams.compressed.${kind}`],
    },
    (reply, call) =>
      parseSent(call)["model"] === HABIT_MODELS.upstream_compressed && isStream(reply) === (kind === "stream"),
    () => ({ status: 500 }),
  );
}

function isBreakingStream(reply: Reply, call: ReferenceCall): boolean {
  return isStream(reply) && isFor("upstream_breaks", call);
}

const DONE_FRAME = "data: [DONE]\n\n";

export const upstreamMutants: readonly Mutant[] = [
  mutateReply(
    {
      id: "upstream.breaks-and-hangs",
      description: "a stream whose upstream broke off stays open",
      intended: ["upstreams.breaks.ends"],
    },
    isBreakingStream,
    (reply) => ({ writes: reply.writes.slice(0, -1), end: "open" }),
  ),
  mutateReply(
    {
      id: "upstream.breaks-and-cuts",
      description: "the connection breaks with the upstream's, without a word",
      intended: ["upstreams.breaks.error-event"],
    },
    isBreakingStream,
    (reply) => ({ writes: reply.writes.slice(0, -1), end: "cut" }),
  ),
  mutateBreak(
    {
      id: "upstream.breaks-and-ends",
      description: "the stream just ends where the upstream broke off",
      intended: ["upstreams.breaks.error-event", "upstreams.breaks.sdk-throws"],
    },
    (frames) => frames.slice(0, -1),
  ),
  mutateBreak(
    {
      id: "upstream.breaks-and-is-done",
      description: "half an answer ends as if it were whole",
      intended: ["upstreams.breaks.error-event", "upstreams.breaks.no-done", "upstreams.breaks.sdk-throws"],
    },
    (frames) => [...frames.slice(0, -1), DONE_FRAME],
  ),
  mutateBreak(
    {
      id: "upstream.done-after-error",
      description: "the error is followed by [DONE]",
      intended: ["upstreams.breaks.no-done"],
    },
    (frames) => [...frames, DONE_FRAME],
  ),
  mutateBreak(
    {
      id: "upstream.text-lost",
      description: "what came before the break is lost",
      intended: ["upstreams.breaks.text-kept"],
    },
    (frames) => frames.slice(-1),
  ),
  failCompressed("non-streaming"),
  failCompressed("stream"),
  mutateChunks(
    {
      id: "upstream.usage-with-last-choice",
      description: "the usage comes where the upstream sent it, with the last choice",
      intended: ["upstreams.usage.own-chunk"],
    },
    (chunks, body) => {
      const [last] = chunks.slice(-1);
      if (body["model"] !== HABIT_MODELS.upstream_late_usage || last?.choices.length !== 0) return chunks;
      return chunks
        .slice(0, -1)
        .map((chunk, index) => (index === chunks.length - 2 ? { ...chunk, usage: last.usage } : chunk));
    },
  ),
  mutateCompletion(
    {
      id: "upstream.zero-usage-shown",
      description: "an upstream's usage of 0 tokens is passed on",
      intended: ["upstreams.usage.zeros"],
    },
    (completion, body) =>
      body["model"] === HABIT_MODELS.upstream_zero_usage
        ? { ...completion, usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
        : completion,
  ),
  {
    id: "upstream.unfinished-is-done",
    description: "a stream that its upstream didn't finish ends as if it were whole",
    intended: ["upstreams.unfinished.no-done"],
    mutate: ({ frames }) => ({
      frames: (given, call) =>
        parseSent(call)["model"] === HABIT_MODELS.upstream_unfinished
          ? [...frames(given, call).slice(0, -1), DONE_FRAME]
          : frames(given, call),
    }),
  },
  restatus("upstream_down", 404, "upstreams.down.status"),
  restatus("upstream_error", 200, "upstreams.error.status"),
  restatus("upstream_breaks", 200, "upstreams.breaks.one-shot"),
  say("upstream.address-told", "upstream_down", "connect ECONNREFUSED 10.0.0.7:8000", "upstreams.down.no-address"),
  say("upstream.secret-told", "upstream_error", `401 for ${UPSTREAM_SECRET}`, "upstreams.error.secret"),
  say("upstream.page-told", "upstream_error", "500: <html><h1>nginx</h1></html>", "upstreams.error.no-markup"),
];
