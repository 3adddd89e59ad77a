/** The tour in Node.js: `node examples/node.ts http://127.0.0.1:8080/v1 recording.pcm`, with the key as `TOKEN`. */

import { readFile } from "node:fs/promises";
import { createClient } from "@openai-compat/client";
import { takeTour } from "./tour.ts";

const [baseURL = "http://127.0.0.1:8080/v1", recording = "recording.pcm"] = process.argv.slice(2);
const client = createClient({ baseURL, token: process.env["TOKEN"] ?? "", subscriptions: "websocket" });
for await (const line of takeTour(client, await readFile(recording))) console.log(line);
