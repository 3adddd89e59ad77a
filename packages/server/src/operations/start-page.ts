/** The page that a browser shows at the server's address. Programs get the error of an unknown path. */

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>openai-compat</title>
<link rel="icon" href="data:,">
<style>body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }</style>
</head>
<body>
<h1>openai-compat</h1>
<p>This is a server with OpenAI's API. Programs use it with the base URL <code>/v1</code> of this address and a key.</p>
<ul>
<li><a href="/docs">What it offers</a>, and the same as an <a href="/openapi.json">OpenAPI document</a></li>
<li><a href="/demo/realtime">Realtime transcription</a> with your microphone</li>
<li><a href="/healthz">Is it running</a>, and is it <a href="/readyz">ready for calls</a></li>
</ul>
</body>
</html>
`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  vary: "Accept",
};

const METHODS: readonly string[] = ["GET", "HEAD"];

/** Whether a browser asks for a page; the SDKs and curl don't name HTML. */
export function wantsStartPage(request: Request, path: string): boolean {
  const isStart = path === "/" || path === "/v1";
  return isStart && METHODS.includes(request.method) && /\btext\/html\b/.test(request.headers.get("accept") ?? "");
}

export function serveStartPage(request: Request): Response {
  return new Response(request.method === "HEAD" ? null : PAGE, { headers: HEADERS });
}
