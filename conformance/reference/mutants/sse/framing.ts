/** Defects of the framing of streams. */

import { isChat, isChatStream, type Mutant, mutateFrames, mutateReply, oneWrite } from "../mutant.ts";

/** Writes each event in another way. */
function mutateFrame(id: string, description: string, intended: string, frame: (data: string) => string): Mutant {
  const mutate: Mutant["mutate"] = (wire) => ({
    frame: (data, call) => (isChat(call) ? frame(data) : wire.frame(data, call)),
  });
  return { id, description, intended: [intended], mutate };
}

/** Sends something after the first event. */
function insertFrame(id: string, description: string, intended: string | readonly string[], frame: string): Mutant {
  return mutateFrames({ id, description, intended: [intended].flat() }, (frames) => [
    ...frames.slice(0, 1),
    frame,
    ...frames.slice(1),
  ]);
}

/** Ends streams in another way. */
function mutateEnd(id: string, description: string, intended: string, end: "cut" | "open"): Mutant {
  return mutateReply({ id, description, intended: [intended] }, isChatStream, () => ({ end }));
}

/** The first event with a byte of Latin-1 in a field that no check reads. */
function addLatin1(event: string): Uint8Array {
  const [before = "", after = ""] = event.split('"object"');
  const field = Buffer.from('"system_fingerprint":"\u00E9","object"', "latin1");
  return Buffer.concat([Buffer.from(before), field, Buffer.from(after)]);
}

export const sseMutants: readonly Mutant[] = [
  mutateFrame(
    "sse.comment-inside",
    "a comment stands between the fields of each event and its end",
    "sse.comment-between-fields",
    (data) => `data: ${data}\n: keep-alive\n\n`,
  ),
  mutateFrame(
    "sse.single-newline",
    "events end with a single line feed",
    "sse.blank-line-after-event",
    (data) => `data: ${data}\n`,
  ),
  mutateFrame("sse.no-space", "no space follows `data:`", "sse.space-after-data", (data) => `data:${data}\n\n`),
  mutateFrame("sse.ids", "events have an `id:`", "sse.no-id-or-retry", (data) => `id: 1\ndata: ${data}\n\n`),
  mutateFrame("sse.done-blank", "the sentinel has a trailing blank", "sse.done-sentinel", (data) =>
    data === "[DONE]" ? `data: ${data} \n\n` : `data: ${data}\n\n`,
  ),
  mutateFrame("sse.split-json", "one object is split into two events", "sse.one-json-per-event", (data) =>
    data === "[DONE]" ? `data: ${data}\n\n` : `data: ${data.slice(0, 20)}\n\ndata: ${data.slice(20)}\n\n`,
  ),
  insertFrame("sse.empty-data", "a keep-alive is an empty `data:`", "sse.no-empty-event", "data: \n\n"),
  insertFrame("sse.event-without-data", "a keep-alive is `event: ping`", "sse.no-empty-event", "event: ping\n\n"),
  insertFrame("sse.retry", "a bare `retry:` is sent", ["sse.no-id-or-retry", "sse.no-empty-event"], "retry: 3000\n\n"),
  insertFrame("sse.comment-event", "a keep-alive comment has its own blank line", "sse.no-comment-event", ": ping\n\n"),
  mutateFrames(
    { id: "sse.byte-order-mark", description: "the stream starts with a byte order mark", intended: ["sse.utf-8"] },
    ([first = "", ...frames]) => [`\uFEFF${first}`, ...frames],
  ),
  mutateReply(
    { id: "sse.latin-1", description: "a chunk holds a byte of Latin-1", intended: ["sse.utf-8"] },
    isChatStream,
    (reply) => ({
      writes: reply.writes.map((write, index) =>
        index === 0 ? { ...write, data: addLatin1(String(write.data)) } : write,
      ),
    }),
  ),
  mutateFrames(
    { id: "sse.no-done", description: "the sentinel is missing", intended: ["sse.done-sentinel"] },
    (frames) => frames.slice(0, -1),
  ),
  mutateFrames(
    { id: "sse.data-after-done", description: "a chunk follows the sentinel", intended: ["sse.nothing-after-done"] },
    (frames) => [...frames, ...frames.slice(0, 1)],
  ),
  mutateEnd("sse.never-ends", "the connection stays open after the sentinel", "sse.ends-after-done", "open"),
  mutateEnd("sse.reset-at-end", "the socket is reset after the sentinel", "sse.clean-end", "cut"),
  mutateReply(
    { id: "sse.cut-mid-frame", description: "the stream breaks off in a frame", intended: ["sse.clean-end"] },
    isChatStream,
    (reply) => ({ writes: [...reply.writes.slice(0, 5), ...oneWrite('data: {"id":')], end: "cut" }),
  ),
];
