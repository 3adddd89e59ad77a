import { expect, test } from "vitest";
import { createFairQueue } from "./fair-queue.ts";

interface Named {
  readonly name: string;
  readonly accountId: string;
  readonly isRunning: boolean;
}

const call = (name: string): Named => ({ name, accountId: name.charAt(0), isRunning: false });
const generation = (name: string): Named => ({ ...call(name), isRunning: true });

function queueOf(...members: readonly Named[]) {
  const queue = createFairQueue<Named>();
  for (const member of members) queue.add(member);
  return queue;
}

const equal = () => 0;

test("an account's generations come before its calls, each in the order in which they came", () => {
  const members = [call("a1"), call("a2"), generation("a3"), generation("a4")];
  const queue = queueOf(...members);
  const order: string[] = [];
  for (let next = queue.next(equal); next !== null; next = queue.next(equal)) {
    order.push(next.name);
    queue.remove(next);
  }
  expect(order).toEqual(["a3", "a4", "a1", "a2"]);
  expect(queue.isEmpty).toBe(true);
});

test("accounts of equal rank take turns, one of a lower rank comes first, and one without a rank has no turn", () => {
  const queue = queueOf(call("a1"), call("b1"), call("c1"));
  const turns = () => [1, 2, 3, 4].map(() => queue.next((accountId) => (accountId === "c" ? null : 0))?.name);
  expect(turns()).toEqual(["a1", "b1", "a1", "b1"]);
  expect(queue.next((accountId) => (accountId === "c" ? -1 : 0))?.name).toBe("c1");
  expect(queue.next(() => null)).toBeNull();
});

test("the member whose turn it was stays, and an account is forgotten with its last member alone", () => {
  const [first, second, third] = [call("a1"), call("a2"), generation("a3")];
  const queue = queueOf(first, second, third);
  queue.remove(first);
  expect(queue.next(equal)).toBe(third);
  expect(queue.next(equal)).toBe(third);
  queue.remove(third);
  expect([...queue.accountIds()]).toEqual(["a"]);
  expect(queue.next(equal)).toBe(second);
  queue.remove(second);
  expect([...queue.accountIds()]).toEqual([]);
  expect(queue.next(equal)).toBeNull();
});

test("removing a stranger, of a known account or not, changes nothing", () => {
  const queue = queueOf(call("a1"));
  for (const stranger of [call("a1"), generation("a1"), call("b1")]) queue.remove(stranger);
  expect({ waiting: queue.waiting, next: queue.next(equal)?.name }).toEqual({ waiting: 1, next: "a1" });
});

test("calls are counted, generations are not", () => {
  const queue = queueOf(call("a1"), call("a2"), generation("a3"), call("b1"));
  expect([queue.waiting, queue.waitingOf("a"), queue.waitingOf("b"), queue.waitingOf("c")]).toEqual([3, 2, 1, 0]);
});

test("the longest is the first account with most calls, and of it the newest call", () => {
  expect(queueOf(call("a1"), call("b1"), call("b2"), call("c1"), call("c2")).longest()).toMatchObject({
    waiting: 2,
    last: { name: "b2" },
  });
  expect(queueOf(call("a1"), call("a2"), call("b1")).longest()).toMatchObject({ waiting: 2, last: { name: "a2" } });
  expect(queueOf(generation("a1")).longest()).toBeNull();
});
