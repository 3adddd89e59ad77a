import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { receiveMessages, sendMessage } from "./message-pipe.ts";

function collect(pipe: PassThrough) {
  const messages: unknown[] = [];
  const broken: string[] = [];
  receiveMessages(pipe, {
    onMessage: (message) => void messages.push(message),
    onBroken: (reason) => void broken.push(reason),
  });
  return { messages, broken };
}

/** What is written for these messages. */
function encode(...messages: readonly unknown[]): Buffer {
  const pipe = new PassThrough();
  for (const message of messages) sendMessage(pipe, message);
  return Buffer.from(pipe.read());
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test.each([1, 7, 12, 13, 65_536])("messages are whole, however they are cut: %i bytes at a time", async (size) => {
  const sent = [{ text: "ü😀", vector: Float32Array.of(0.5, -1) }, [], "x".repeat(20_000), null];
  const bytes = encode(...sent);
  const pipe = new PassThrough();
  const { messages, broken } = collect(pipe);
  for (let from = 0; from < bytes.length; from += size) pipe.write(bytes.subarray(from, from + size));
  await settled();
  expect({ messages, broken }).toEqual({ messages: sent, broken: [] });
});

test("a change of any byte is noticed, once, and nothing is read after it", async () => {
  const bytes = encode(["first"], ["second"]);
  const firstBytes = encode(["first"]).length;
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 0x10;
    const pipe = new PassThrough();
    const { messages, broken } = collect(pipe);
    pipe.write(changed);
    pipe.write(encode(["third"]));
    await settled();
    // A length that grew takes bytes of the next message, or waits for some that do not come.
    expect(messages).toEqual(index < firstBytes ? [] : [["first"]]);
    expect(broken.length).toBeLessThanOrEqual(1);
  }
});

test("what can't be cloned is not sent", () => {
  const pipe = new PassThrough();
  expect(() => sendMessage(pipe, { run: () => {} })).toThrow("could not be cloned");
  expect(pipe.read()).toBeNull();
});
