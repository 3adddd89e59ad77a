/** What an application that has installed the client writes: programs that the check of its package compiles and runs. */

/** Uses each part of the client. The same module runs everywhere; it throws where anything is not as it should be. */
export const CONSUMER = `
import { ClientError, createClient } from "@openai-compat/client";

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error("not as expected: " + what);
}

export async function run(baseURL: string, token: string): Promise<string> {
  const client = createClient({ baseURL, token });
  const messages = [{ role: "user" as const, content: "Say something." }];
  const chat = await client.v1.createChatCompletion({ model: "default", messages, seed: 1 });
  const text: string = chat.choices[0]?.message.content ?? "";
  expect(text !== "", "the text of a chat");

  let streamed = "";
  const stream = await client.v1.createChatCompletion({ model: "default", messages, seed: 1, stream: true });
  for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? "";
  expect(streamed === text, "the text of a streamed chat");

  for (const subscriptions of ["sse", "websocket"] as const) {
    const { ai } = createClient({ baseURL, token, subscriptions });
    let native = "";
    for await (const event of ai.promptStream({ messages, seed: 1 })) {
      if (event.type === "text-delta") native += event.text;
    }
    expect(native === text, "the text of a native prompt by " + subscriptions);
  }
  const [models, again] = await Promise.all([client.ai.models.list(), client.ai.models.list()]);
  expect(models.length > 0 && models.length === again.length, "the models");

  const speech = await client.v1.createSpeech({ model: "default", input: "hello", voice: "alloy", response_format: "wav" });
  const audio = await speech.arrayBuffer();
  expect(audio.byteLength > 44, "the bytes of a speech");
  const file = new File([audio], "hello.wav", { type: "audio/wav" });
  const heard = await client.v1.createTranscription({ model: "default", file });
  expect(JSON.stringify(heard).includes("hello"), "the text of a form's file: " + JSON.stringify(heard));

  const refused = await client.ai.prompt({ messages, model: "no-such-model" }).catch((thrown: unknown) => thrown);
  expect(refused instanceof ClientError && refused.code === "model_not_found", "the error of an unknown model");
  return models.length + " models, " + text.length + " characters, " + audio.byteLength + " bytes";
}
`;

/** Each line with a comment is a mistake that must not compile. */
export const MISTAKES = `
import { createClient } from "@openai-compat/client";

// @ts-expect-error -- no base URL
createClient({ token: "t" });
const client = createClient({ baseURL: "http://127.0.0.1/v1" });
const messages = [{ role: "user" as const, content: "Hello." }];
// @ts-expect-error -- a role that doesn't exist
await client.v1.createChatCompletion({ model: "default", messages: [{ role: "human", content: "Hello." }] });
// @ts-expect-error -- a required field is missing
await client.v1.createChatCompletion({ messages });
const stream = await client.v1.createChatCompletion({ model: "default", messages, stream: true });
// @ts-expect-error -- a stream has no choices
stream.choices;
// @ts-expect-error -- a field of another name
await client.ai.prompt({ promt: "Hello." });
// @ts-expect-error -- a field of another type
await client.ai.prompt({ prompt: "Hello.", temperature: "hot" });
// @ts-expect-error -- a procedure that doesn't exist
await client.ai.models.lst();
for await (const event of client.ai.promptStream({ prompt: "Hello." })) {
  // @ts-expect-error -- not every event has a text
  event.text;
}
`;

/** For Node.js, Bun and Deno. */
export const PROCESS_MAIN = `
import { run } from "./consumer.js";
console.log(await run(process.env.BASE_URL, process.env.TOKEN));
`;

/** For browsers. The page's address has the server's address and the credential behind \`#\`. */
export const PAGE_MAIN = `
import { run } from "./consumer.js";
const parameters = new URLSearchParams(location.hash.slice(1));
globalThis.outcome = run(parameters.get("baseURL"), parameters.get("token")).catch((error) => "failed: " + error.stack);
`;

/** All that the client exports, whose size is measured. */
export const LIBRARY_MAIN = `export * from "@openai-compat/client";`;
