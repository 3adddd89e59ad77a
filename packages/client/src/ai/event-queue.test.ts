import { expect, test } from "vitest";
import { ClientError } from "../index.ts";
import { EventQueue, EVENTS_WAITING_MAX } from "./event-queue.ts";

test("events that came before a failure are read before it is thrown", async () => {
  const queue = new EventQueue<number>(null, () => {});
  queue.push(1);
  queue.push(2);
  queue.fail(new ClientError({ kind: "connection", message: "lost" }));
  const read: number[] = [];
  await expect(async () => {
    for await (const event of queue.read()) read.push(event);
  }).rejects.toThrow("lost");
  expect(read).toEqual([1, 2]);
});

test("a loop that is slower than the server ends with an error when too many events wait", async () => {
  const queue = new EventQueue<number>(null, () => {});
  for (let index = 0; index <= EVENTS_WAITING_MAX; index += 1) queue.push(index);
  let read = 0;
  await expect(async () => {
    for await (const event of queue.read()) read = event + 1;
  }).rejects.toMatchObject({ name: "ClientError", code: "too_slow" });
  expect(read).toBe(EVENTS_WAITING_MAX);
});

test("a server that does not begin in time is an error of kind timeout", async () => {
  let closed = 0;
  const queue = new EventQueue<number>(null, () => void (closed += 1));
  await expect(queue.opened(5)).rejects.toMatchObject({ kind: "timeout" });
  expect(closed).toBe(1);
});
