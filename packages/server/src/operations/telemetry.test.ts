import fc from "fast-check";
import { expect, test } from "vitest";
import { createDeferred } from "./deferred.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { createTelemetry } from "./telemetry.ts";
import { NO_CALL } from "./testing/call-records.ts";

function createObserved() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "info", write: (line) => void lines.push(JSON.parse(line)) });
  const metrics = createDeferred(
    async () =>
      createMetrics({
        queues: () => [],
        upstreams: () => [],
        loads: () => [],
        decoders: () => ({ processes: [], starts: 0, losses: 0 }),
        pendingSettlements: () => 0,
        requestsInFlight: () => 0,
        openSessions: () => 0,
      }),
    () => {},
  );
  const telemetry = createTelemetry({ logger, metrics, tracing: null });
  const start = ({ requestId = NO_CALL.requestId, callId = NO_CALL.callId } = {}) =>
    telemetry.startRequest({ requestId, callId, method: "POST", path: "/v1/chat/completions", headers: new Headers() });
  return { lines, telemetry, start };
}

const CALL = { ...NO_CALL, usage: { ...NO_CALL.usage, inputTokens: 9, outputTokens: 3 }, chargedAmount: 120 };

test("a request and its call are one line", () => {
  const { lines, telemetry, start } = createObserved();
  const request = start();
  request.facts.operationId = "createChatCompletion";
  request.facts.accountId = "ada";
  telemetry.recordCall(CALL);
  request.end(200, true);
  expect(lines).toEqual([
    expect.objectContaining({
      message: "request",
      requestId: NO_CALL.requestId,
      operation: "createChatCompletion",
      account: "ada",
      model: "tiny",
      status: 200,
      promptTokens: 9,
      completionTokens: 3,
      heldMicrocredits: CALL.heldAmount,
      chargedMicrocredits: 120,
      complete: true,
    }),
  ]);
});

test("a call that ends after its request has a line of its own with the same id", () => {
  const { lines, telemetry, start } = createObserved();
  start().end(499, false);
  telemetry.recordCall({ ...CALL, outcome: "left" });
  expect(lines).toMatchObject([
    { message: "request", requestId: NO_CALL.requestId, status: 499, operation: null },
    { message: "call", requestId: NO_CALL.requestId, outcome: "left", completionTokens: 3 },
  ]);
});

test("requests at once with one request id are logged each with its own call, in whatever order they end", () => {
  const order = fc.shuffledSubarray(["call 0", "call 1", "end 0", "end 1"], { minLength: 4 });
  fc.assert(
    fc.property(order, (steps) => {
      const { lines, telemetry, start } = createObserved();
      const requests = [start({ callId: "call_0" }), start({ callId: "call_1" })];
      for (const request of requests) request.facts.operationId = "createChatCompletion";
      for (const step of steps) {
        const index = Number(step.at(-1));
        const usage = { ...CALL.usage, inputTokens: 10 + index };
        if (step.startsWith("call")) telemetry.recordCall({ ...CALL, callId: `call_${index}`, usage });
        else requests[index]?.end(200 + index, true);
      }
      for (const index of [0, 1]) {
        const isLate = steps.indexOf(`call ${index}`) > steps.indexOf(`end ${index}`);
        const call = { promptTokens: 10 + index };
        const expected = isLate
          ? [
              { message: "request", status: 200 + index },
              { message: "call", ...call },
            ]
          : [{ message: "request", status: 200 + index, ...call }];
        const own = lines.filter((line) => line["status"] === 200 + index || line["promptTokens"] === 10 + index);
        expect(own).toMatchObject(expected);
        expect(own).toHaveLength(expected.length);
        if (isLate) expect(own[0]).not.toHaveProperty("promptTokens");
      }
    }),
  );
});

test("a path is cut, however long it is", () => {
  const { lines, telemetry } = createObserved();
  const path = `/v1/${"a".repeat(10_000)}`;
  telemetry.startRequest({ requestId: "r", callId: "c", method: "GET", path, headers: new Headers() }).end(404, true);
  expect(String(lines[0]?.["path"])).toHaveLength(200);
});

test("what is no operation and no failure is logged at debug alone", () => {
  const { lines, start } = createObserved();
  start({ requestId: "probe", callId: "1" }).end(200, true);
  start({ requestId: "scanner", callId: "2" }).end(404, true);
  expect(lines.map((line) => line["requestId"])).toEqual(["scanner"]);
});

test("what of a schema is not enforced is logged, in a line that has such, escaped and cut", () => {
  const { lines, telemetry, start } = createObserved();
  const param = "tools[0].function.parameters";
  const names = ['naïve "a",\n\u001b[31m', "x".repeat(10_000), ...Array.from({ length: 500 }, (_, at) => `p${at}`)];
  const relaxed = names.map((name) => ({ param, pointer: `/properties/${name}`, keyword: "not" }));
  for (const call of [CALL, { ...CALL, relaxed }]) {
    const request = start();
    request.facts.operationId = "createChatCompletion";
    telemetry.recordCall(call);
    request.end(200, true);
  }
  expect(lines[0]).not.toHaveProperty("schemaRelaxed");
  const logged = String(lines[1]?.["schemaRelaxed"]);
  expect(logged).toMatch(/^[\x20-\x7e]+, and \d+ more$/);
  expect(logged).toContain(`${param}#/properties/na%C3%AFve%20%22a%22%2C%0A%1B%5B31m/not`);
  expect(logged.length).toBeLessThan(1100);
});
