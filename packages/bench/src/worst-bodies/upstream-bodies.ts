/** Requests for an upstream, which are parsed, looked at and printed again. */

import { BYTES, VALUES, chatBody, completionBody, fill } from "./worst-body.ts";
import type { WorstBody } from "./worst-body.ts";

const say = (content: unknown) => ({ model: "upstream", messages: [{ role: "user", content }] });

export const UPSTREAM_BODIES: readonly WorstBody[] = [
  chatBody("33 MB of text to an upstream", () => say("a".repeat(BYTES))),
  chatBody("33 MB of escapes to an upstream", () => say('"'.repeat(BYTES / 2))),
  chatBody("an image of 33 MB to an upstream", () =>
    say([{ type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(BYTES)}` } }]),
  ),
  chatBody("33,000 parts to an upstream", () => say(fill(VALUES / 3, () => ({ type: "text", text: "a" })))),
  chatBody("33,000 messages to an upstream", () => ({
    model: "upstream",
    messages: fill(VALUES / 3, () => ({ role: "user", content: "a" })),
  })),
  completionBody("99,000 prompts to an upstream", () => ({ model: "upstream", prompt: fill(VALUES, () => "a") })),
  completionBody("300,000 token ids to an upstream", () => ({ model: "upstream", prompt: fill(300_000, () => 300) })),
];
