/** The tour in a page of the server itself. */

import { createClient } from "@openai-compat/client";
import { takeTour } from "./tour.ts";

const form = document.querySelector("form");
const log = document.querySelector("ol");

function show(text: string): void {
  const line = document.createElement("li");
  line.textContent = text;
  log?.append(line);
}

async function run(): Promise<void> {
  const [token, file] = [document.querySelector("#key"), document.querySelector("#recording")];
  if (!(token instanceof HTMLInputElement && file instanceof HTMLInputElement)) return;
  const client = createClient({ baseURL: new URL("/v1", location.href).href, token: token.value });
  const recording = new Uint8Array((await file.files?.[0]?.arrayBuffer()) ?? []);
  for await (const line of takeTour(client, recording)) show(line);
  show("done");
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  run().catch((thrown: unknown) => show(`failed: ${String(thrown)}`));
});
