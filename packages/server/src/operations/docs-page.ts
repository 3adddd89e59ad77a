/**
 * The page that shows the OpenAPI document, with its one script served from this machine. The page asks no other host
 * for anything, and its policy lets the browser ask none.
 */

import { AiError } from "@openai-compat/core";
import { findAsset, serveAsset } from "./asset.ts";

/** Where the browser gets what the page needs; absolute, so that it works with and without a trailing slash. */
const DOCUMENT_PATH = "/openapi.json";
const SCRIPT_PATH = "/docs/standalone.js";

/**
 * Each of these would make the page connect to another host, or offer to.
 *
 * @see https://github.com/scalar/scalar/blob/main/documentation/configuration.md
 */
const PAGE_OPTIONS = {
  url: DOCUMENT_PATH,
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
};

/** Styles are inline because the script writes them; nothing else may be. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export async function serveDocsPage(): Promise<Response> {
  const script = await findAsset("standalone.js");
  return new Response(renderDocsPage({ hasScript: script !== null }), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}

/** @throws AiError `route_not_found` when the script was not installed; the page does not ask for it then. */
export async function serveDocsScript(request: Request): Promise<Response> {
  const script = await findAsset("standalone.js");
  if (script === null) throw new AiError("route_not_found", "The script of the documentation page is not installed.");
  return serveAsset(script, request, "text/javascript; charset=utf-8");
}

export async function serveOpenApiDocument(request: Request): Promise<Response> {
  const document = await findAsset("openapi.json");
  if (document === null) throw new AiError("internal", "The OpenAPI document is not installed.");
  return serveAsset(document, request, "application/json");
}

/** Without the script, a link to the document. */
export function renderDocsPage({ hasScript }: { readonly hasScript: boolean }): string {
  const body = hasScript
    ? `<script id="api-reference" data-configuration="${escapeAttribute(JSON.stringify(PAGE_OPTIONS))}"></script>
<script src="${SCRIPT_PATH}"></script>`
    : `<p>The API is described in <a href="${DOCUMENT_PATH}">${DOCUMENT_PATH}</a>.</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>openai-compat API</title>
<link rel="icon" href="data:,">
</head>
<body>
<p style="font: 1rem/1.6 system-ui, sans-serif; margin: 0.5rem 1rem"><a href="/demo/realtime">Realtime transcription</a> with your microphone</p>
${body}
</body>
</html>
`;
}

function escapeAttribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
