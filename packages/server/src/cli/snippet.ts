/** What a first start prints: where the server is, its key, and code that can be pasted. */

export interface SnippetOptions {
  readonly baseUrl: string;
  readonly key: string;
  /** Null when no model serves chat. */
  readonly chatModel: string | null;
}

export function describeSnippet({ baseUrl, key, chatModel }: SnippetOptions): string {
  const body = JSON.stringify({ model: chatModel ?? "default", messages: [{ role: "user", content: "Hello!" }] });
  return `
Answering at ${baseUrl}
API key      ${key}   (shown once; make others with: openai-compat keys create)

  curl ${baseUrl}/chat/completions \\
    -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
    -d '${body}'

  import OpenAI from "openai";
  const client = new OpenAI({ baseURL: "${baseUrl}", apiKey: "${key}" });
  const chat = await client.chat.completions.create(${body});
  console.log(chat.choices[0].message.content);

`;
}
