import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { startTracing } from "./start-tracing.ts";
import { NO_CALL } from "./testing/call-records.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Takes what an OpenTelemetry collector takes. */
async function startCollector({ status = 200 } = {}) {
  const received: { path: string | undefined; contentType: string | undefined; body: Buffer }[] = [];
  const take = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = Buffer.concat(await incoming.toArray());
    received.push({ path: incoming.url, contentType: incoming.headers["content-type"], body });
    outgoing.writeHead(status, { "content-type": "application/json" }).end("{}");
  };
  const collector = createServer((incoming, outgoing) => void take(incoming, outgoing));
  cleanUps.push(() => collector.close().closeAllConnections());
  await once(collector.listen(0, "127.0.0.1"), "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not on a pipe
  const { port } = collector.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received };
}

test("nothing is made where nothing is configured", async () => {
  expect(await startTracing({ endpoint: null, environment: {}, onProblem: () => {} })).toBeNull();
});

test.each([
  ["the setting", (url: string) => ({ endpoint: `${url}/`, environment: {} })],
  [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    (url: string) => ({ endpoint: null, environment: { OTEL_EXPORTER_OTLP_ENDPOINT: url } }),
  ],
  [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    (url: string) => ({ endpoint: null, environment: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces` } }),
  ],
])("spans arrive at the collector that %s names", async (_source, configure) => {
  const { url, received } = await startCollector();
  const tracing = await startTracing({ ...configure(url), onProblem: () => {} });
  tracing?.startRequest({ callId: NO_CALL.callId, method: "POST", headers: new Headers() }).end({
    operationId: "createChatCompletion",
    status: 200,
  });
  tracing?.recordCall(NO_CALL);
  await tracing?.close();
  expect(received.map(({ path }) => path)).toEqual(["/v1/traces"]);
  const text = received[0]?.body.toString("latin1") ?? "";
  for (const word of ["gen_ai.request.model", "POST /v1/chat/completions", "chat tiny", "service.name"]) {
    expect(text).toContain(word);
  }
});

test("a collector that refuses is reported", async () => {
  const { url } = await startCollector({ status: 400 });
  const onProblem = vi.fn();
  const tracing = await startTracing({ endpoint: url, environment: {}, onProblem });
  tracing?.recordCall(NO_CALL);
  await tracing?.close();
  expect(onProblem).toHaveBeenCalledWith(expect.stringContaining("Bad Request"));
});

test("a collector that does not answer delays the end for a bounded time", async () => {
  const tracing = await startTracing({ endpoint: "http://127.0.0.1:1", environment: {}, onProblem: () => {} });
  tracing?.recordCall(NO_CALL);
  const startedAt = performance.now();
  await tracing?.close();
  expect(performance.now() - startedAt).toBeLessThan(5000);
});
