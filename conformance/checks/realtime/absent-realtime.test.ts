import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { CheckResult } from "../../src/outcome.ts";
import { planChecks } from "../../src/plan.ts";
import { runChecks } from "../../src/runner.ts";
import { checks } from "../index.ts";

type OnUpgrade = (socket: Duplex) => void;

const answer =
  (head: string, body = ""): OnUpgrade =>
  (socket) =>
    void socket.end(`HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);

/** Answers everything but upgrades with an empty list of models. */
async function judgeServer(onUpgrade: OnUpgrade | null): Promise<readonly CheckResult[]> {
  const sockets = new Set<Duplex>();
  const server = createHttpServer((_request, response) => {
    response.writeHead(404, { "content-type": "application/json" }).end('{"error":{"message":"no","type":"x"}}');
  });
  if (onUpgrade !== null) {
    server.on("upgrade", (_request, socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      onUpgrade(socket);
    });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const target = {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    keys: { full: "sk-test", no_capability: "sk-nothing", expired: "sk-old", no_credit: "sk-poor" },
    models: { chat: "c", transcription: "t" },
  };
  const onSockets = checks.filter(({ area, id }) => area === "realtime" || id.startsWith("responses.socket."));
  const limits = { checkTimeoutMs: 2000, stuckChecksMax: Infinity };
  return runChecks({ target, plan: planChecks(onSockets, target), limits });
}

test.each<[string, OnUpgrade | null]>([
  ["answers 404", answer("404 Not Found", '{"error":{"message":"no","type":"x"}}')],
  ["answers 403 as Starlette does for a path that it does not know", answer("403 Forbidden")],
  ["answers 426", answer("426 Upgrade Required")],
  ["answers 501", answer("501 Not Implemented")],
  ["answers 200 with a web page", answer("200 OK", "<html></html>")],
  ["takes an upgrade for a plain request", null],
  ["closes the connection", (socket) => void socket.destroy()],
  ["says nothing", () => {}],
  ["answers what is no HTTP", (socket) => void socket.end("hello\r\n\r\n")],
])(
  "a server without WebSockets that %s is not accused, for one reason each",
  async (_, onUpgrade) => {
    const results = await judgeServer(onUpgrade);
    const accused = results.filter(({ outcome }) => outcome === "fail" || outcome === "warn");
    expect(accused.map(({ check, reason }) => `${check.id}: ${reason}`)).toEqual([]);
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["not-testable"]));
    // The others lack a key of the recipe as well.
    const absent = results.filter(({ reason }) => !reason.startsWith("the target's recipe"));
    // Client secrets, which are requests, and responses are looked for by themselves.
    expect(new Set(absent.map(({ reason }) => reason)).size).toBeLessThanOrEqual(4);
  },
  30_000,
);

test("a server that has realtime and is broken is neither passed over nor accused in every check", async () => {
  const results = await judgeServer(answer("500 Internal Server Error"));
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["inconclusive", "not-testable"]));
});
