/** Mistakes that an application could make and the compiler rejects: this module is never run. */

import type { Client } from "@openai-compat/client";

export async function makeMistakes(client: Client): Promise<void> {
  // @ts-expect-error -- the field is called `maxOutputTokens`
  await client.ai.prompt({ prompt: "Hello", maxTokens: 5 });
  // @ts-expect-error -- texts are embedded, not numbers
  await client.ai.embed({ input: 5 });
  // @ts-expect-error -- there is no such format
  await client.ai.transcription.open({ format: "mp3" });
  // @ts-expect-error -- there is no such procedure
  await client.ai.models.rename({ id: "a", name: "b" });
  for await (const event of client.ai.promptStream({ prompt: "Hello" })) {
    // @ts-expect-error -- not every event has a text
    console.log(event.text);
  }
}
