/** Walks every route of the running server: without a credential it answers 401, or it is on the public list. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { operations } from "@openai-compat/spec";
import { API_MOUNTS } from "./surfaces/openai/protocol/request-path.ts";
import { PUBLIC_PATHS } from "./operations/public-routes.ts";
import { startTestServer } from "./testing/test-server.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** What is below them is the native router's; the matrix of its procedures walks it. */
const NATIVE_ROUTES = ["GET /trpc", "GET /trpc/:path{.+}", "POST /trpc/:path{.+}"];

/** A WebSocket alone: its tests see that a stranger's is refused. Without an upgrade there is no such method. */
const SOCKET_ROUTE = "GET /v1/responses";

let started: Awaited<ReturnType<typeof startTestServer>>;
beforeAll(async () => {
  started = await startTestServer();
});
afterAll(() => started.server.close());

/** A path that the route takes, at each mount. */
function writePaths(routePath: string): string[] {
  const path = routePath.replaceAll(/:\w+(?:\{[^}]*\})?/g, "some-id");
  return path.startsWith("/v1/") ? API_MOUNTS.map((mount) => `${mount}${path.slice("/v1".length)}`) : [path];
}

function ask(path: string, method: string): Promise<Response> {
  return fetch(new URL(path, started.baseUrl), { method, ...(method === "POST" ? { body: "{}" } : {}) });
}

test("every route refuses a request without a credential, or is on the list of public ones", async () => {
  const publicPaths: readonly string[] = PUBLIC_PATHS;
  const open: string[] = [];
  for (const route of started.server.app.routes) {
    for (const path of writePaths(route.path)) {
      const { status } = await ask(path, route.method === "ALL" ? "GET" : route.method);
      const refused = `${route.method} ${route.path}` === SOCKET_ROUTE ? 405 : 401;
      if (status !== refused) open.push(`${route.method} ${path}`);
    }
  }
  expect(new Set(open)).toEqual(new Set(publicPaths.map((path) => `GET ${path}`)));
});

test("the walk meets every operation of the specification and every public path", () => {
  const walked = started.server.app.routes.map(({ method, path }) => `${method} ${path}`);
  expect(walked).toHaveLength(Object.keys(operations).length + PUBLIC_PATHS.length + NATIVE_ROUTES.length + 1);
  expect(walked).toContain(SOCKET_ROUTE);
  for (const route of NATIVE_ROUTES) expect(walked).toContain(route);
  expect(walked).toContain("POST /v1/realtime/client_secrets");
  expect(walked).toContain("GET /v1/realtime");
  expect(walked).toContain("POST /v1/chat/completions");
  expect(walked).toContain("GET /v1/models/:model{.+}");
});

test("no other method of a path answers a request without a credential", async () => {
  for (const route of started.server.app.routes) {
    for (const path of writePaths(route.path)) {
      for (const method of METHODS.filter((candidate) => candidate !== route.method)) {
        const { status } = await ask(path, method);
        const isPublicRead = PUBLIC_PATHS.some((known) => known === path) && method === "HEAD";
        const expected = isPublicRead ? [200] : [401, 405, 204];
        expect(expected, `${method} ${path}`).toContain(status);
      }
    }
  }
});

test("a public path is public in its one spelling, not below a mount of the API", async () => {
  for (const path of PUBLIC_PATHS) {
    for (const mount of API_MOUNTS) expect((await ask(`${mount}${path}`, "GET")).status).toBe(404);
  }
});
