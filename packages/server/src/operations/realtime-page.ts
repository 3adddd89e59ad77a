/**
 * The page on which a person tries realtime transcription with the microphone of a browser. Its scripts lie in `demo/`;
 * it asks no host but this server, and its policy lets the browser ask none.
 */

import { AiError } from "@openai-compat/core";
import { type AssetName, findAsset, serveAsset } from "./asset.ts";

/** What the languages of the selection are called by; the first is for all others. */
const LANGUAGES: Readonly<Record<string, string>> = {
  "": "Found by the model",
  ar: "Arabic",
  zh: "Chinese",
  nl: "Dutch",
  en: "English",
  fr: "French",
  de: "German",
  hi: "Hindi",
  it: "Italian",
  ja: "Japanese",
  ko: "Korean",
  pl: "Polish",
  pt: "Portuguese",
  ru: "Russian",
  es: "Spanish",
  tr: "Turkish",
  uk: "Ukrainian",
};

/** Fields wait for the script: without it nothing would happen. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Realtime transcription</title>
<link rel="icon" href="data:,">
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
form { display: grid; grid-template-columns: max-content 1fr; gap: 0.6rem 1rem; align-items: center; }
input, select, button { font: inherit; padding: 0.3rem 0.5rem; }
.buttons { grid-column: 2; display: flex; gap: 0.6rem; flex-wrap: wrap; }
meter { width: 100%; }
#problem { background: #fdecea; color: #611a15; border-left: 4px solid #b3261e; padding: 0.5rem 1rem; }
#transcript { min-height: 6rem; padding-left: 1.5rem; }
.live { color: #5a5a5a; font-style: italic; }
.failed { color: #611a15; }
</style>
</head>
<body>
<h1>Realtime transcription</h1>
<p>Speak, and this server writes it down while you do. The audio goes to this server only. <a href="/docs">The API</a></p>
<form id="settings">
<label for="key">API key</label>
<input id="key" type="password" required autocomplete="off" spellcheck="false">
<label for="language">Language</label>
<select id="language">
${Object.entries(LANGUAGES)
  .map(([code, name]) => `<option value="${code}">${name}</option>`)
  .join("\n")}
</select>
<label for="turns">A turn ends</label>
<select id="turns">
<option value="server_vad">after a pause</option>
<option value="semantic_vad">after a longer pause</option>
<option value="manual">when I press “End turn”</option>
</select>
<label for="level">Microphone</label>
<meter id="level" min="0" max="1" low="0.02" high="0.95" optimum="0.5" value="0"></meter>
<div class="buttons">
<button id="start" type="submit" disabled>Start</button>
<button id="end-turn" type="button" disabled>End turn</button>
<button id="stop" type="button" disabled>Stop</button>
</div>
</form>
<p id="status" role="status"></p>
<p id="problem" role="alert" hidden></p>
<h2 id="heard">What was heard</h2>
<ol id="transcript" role="log" aria-labelledby="heard"></ol>
<noscript><p>This page needs JavaScript.</p></noscript>
<script type="module" src="/demo/realtime.js"></script>
</body>
</html>
`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-cache",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "permissions-policy": "microphone=(self)",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export function serveRealtimePage(): Response {
  return new Response(PAGE, { headers: HEADERS });
}

/** @throws AiError `internal` when the script was not installed. */
export async function serveRealtimeScript(name: AssetName, request: Request): Promise<Response> {
  const script = await findAsset(name);
  if (script === null) throw new AiError("internal", "The script of the page for realtime sessions is not installed.");
  return serveAsset(script, request, "text/javascript; charset=utf-8");
}
