import { expect, test } from "vitest";
import { createCircuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";

function createBreaker() {
  const clock = { ms: 1000 };
  const breaker = createCircuitBreaker({ failuresMax: 3, openMs: 100, now: () => clock.ms });
  return { breaker, clock };
}

function call(breaker: CircuitBreaker, ...outcomes: ("good" | "broken" | "unknown")[]): void {
  for (const outcome of outcomes) {
    const pass = breaker.enter();
    if (pass === null) throw new Error("The circuit let no call through.");
    pass.end(outcome);
  }
}

test("exactly this number of failures in a row opens the circuit", () => {
  const { breaker } = createBreaker();
  call(breaker, "broken", "broken");
  expect(breaker.state()).toBe("closed");
  call(breaker, "broken");
  expect(breaker.state()).toBe("open");
  expect(breaker.enter()).toBeNull();
});

test("a successful call resets the count, a call with an unknown outcome doesn't", () => {
  const { breaker } = createBreaker();
  call(breaker, "broken", "broken", "good", "broken", "broken", "unknown");
  expect(breaker.state()).toBe("closed");
  call(breaker, "broken");
  expect(breaker.state()).toBe("open");
});

test("the reported wait is accurate and ends in one probe", () => {
  const { breaker, clock } = createBreaker();
  call(breaker, "broken", "broken", "broken");
  clock.ms += 60;
  expect(breaker.waitMs()).toBe(40);
  clock.ms += 40;
  expect(breaker.waitMs()).toBe(0);
  expect(breaker.state()).toBe("half_open");
  expect(breaker.enter()).not.toBeNull();
  expect(breaker.enter(), "a second probe").toBeNull();
});

test("a successful probe closes the circuit as soon as its answer begins", () => {
  const { breaker, clock } = createBreaker();
  call(breaker, "broken", "broken", "broken");
  clock.ms += 100;
  const probe = breaker.enter();
  probe?.markResponseStarted();
  expect(breaker.state()).toBe("closed");
  call(breaker, "broken", "broken");
  expect(breaker.state(), "old failures are forgotten").toBe("closed");
});

test("a probe that ends well without an answer's begin closes it too", () => {
  const { breaker, clock } = createBreaker();
  call(breaker, "broken", "broken", "broken");
  clock.ms += 100;
  call(breaker, "good");
  expect(breaker.state()).toBe("closed");
});

test("a broken probe opens the circuit for the whole time again", () => {
  const { breaker, clock } = createBreaker();
  call(breaker, "broken", "broken", "broken");
  clock.ms += 130;
  call(breaker, "broken");
  expect(breaker.waitMs()).toBe(100);
});

test("a probe that was aborted leaves the next call to probe", () => {
  const { breaker, clock } = createBreaker();
  call(breaker, "broken", "broken", "broken");
  clock.ms += 100;
  call(breaker, "unknown");
  expect(breaker.state()).toBe("half_open");
  expect(breaker.enter()).not.toBeNull();
});

test("calls from before the opening neither close the circuit nor keep it open longer", () => {
  const { breaker, clock } = createBreaker();
  const [old, older] = [breaker.enter(), breaker.enter()];
  call(breaker, "broken", "broken", "broken");
  clock.ms += 50;
  old?.end("broken");
  expect(breaker.waitMs()).toBe(50);
  older?.markResponseStarted();
  older?.end("good");
  expect(breaker.state()).toBe("open");
});

test("answers that begin well and always break off open the circuit as well", () => {
  const { breaker } = createBreaker();
  for (let count = 0; count < 3; count += 1) {
    const pass = breaker.enter();
    pass?.markResponseStarted();
    pass?.end("broken");
  }
  expect(breaker.state()).toBe("open");
});
