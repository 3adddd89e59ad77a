/**
 * The closed list of what anybody may ask for without a credential. The router takes nothing but this list and the
 * operations of the specification; a route in neither makes `closure.test.ts` fail.
 */

import type { RequestScope } from "../http/request-scope.ts";
import { serveDocsPage, serveDocsScript, serveOpenApiDocument } from "./docs-page.ts";
import { serveRealtimePage, serveRealtimeScript } from "./realtime-page.ts";

/** Outside of every API mount; each answers GET and HEAD. */
export const PUBLIC_PATHS = [
  "/healthz",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/docs",
  "/docs/standalone.js",
  "/demo/realtime",
  "/demo/realtime.js",
  "/demo/capture-worklet.js",
] as const;

export type PublicPath = (typeof PUBLIC_PATHS)[number];
export type PublicHandler = (request: Request, scope: RequestScope) => Response | Promise<Response>;

/** Total: a path on the list without a handler does not compile. */
export type PublicHandlers = Readonly<Record<PublicPath, PublicHandler>>;

export interface PublicRouteOptions {
  /** It shows operators more than others. */
  readonly serveReadiness: PublicHandler;
  /** It has its own access rule. */
  readonly serveMetrics: PublicHandler;
}

export function createPublicHandlers(options: PublicRouteOptions): PublicHandlers {
  return {
    // Nothing is looked at: that this runs is the answer.
    "/healthz": () => Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } }),
    "/readyz": (request, scope) => options.serveReadiness(request, scope),
    "/metrics": (request, scope) => options.serveMetrics(request, scope),
    "/openapi.json": serveOpenApiDocument,
    "/docs": serveDocsPage,
    "/docs/standalone.js": serveDocsScript,
    "/demo/realtime": serveRealtimePage,
    "/demo/realtime.js": (request) => serveRealtimeScript("realtime.js", request),
    "/demo/capture-worklet.js": (request) => serveRealtimeScript("capture-worklet.js", request),
  };
}
