/** What a start prints: where the server is, how to get a key, and code that can be pasted. No line of it is wide. */

import { networkInterfaces } from "node:os";

export interface SnippetOptions {
  /** The URL of the API, as the server reports it. */
  readonly baseUrl: string;
  /** The secret of a key that was just made; null when there are keys already, or none can be made. */
  readonly key: string | null;
  /** Where keys are and how to get one: lines of prose and of commands. */
  readonly advice: readonly string[];
  /** Null when no model serves chat. */
  readonly chatModel: string | null;
  /** Addresses of this machine that others reach. Default: its own. */
  readonly addresses?: readonly string[];
}

export function describeSnippet(options: SnippetOptions): string {
  const { key, advice, chatModel, addresses = listAddresses() } = options;
  const [baseUrl = options.baseUrl, ...others] = listOpenableUrls(options.baseUrl, addresses);
  const lines = [
    ...[baseUrl, ...others].map((url, index) => `${index === 0 ? "Listening on" : "         and"} ${url}`),
    "",
    `export OPENAI_BASE_URL=${baseUrl}`,
    `export OPENAI_API_KEY=${key ?? "sk-…"}`,
    "",
    ...advice,
    ...(chatModel === null ? [] : ["", ...describeCalls(chatModel)]),
  ];
  return `${lines.join("\n")}\n\n`;
}

const QUESTION = "What is the capital of France?";

/** The SDKs read both variables by themselves. Nothing is indented: Python would not take it. */
function describeCalls(model: string): readonly string[] {
  const name = JSON.stringify(model);
  const inShell = name.replaceAll("'", `'\\''`);
  return [
    "# Shell",
    "curl $OPENAI_BASE_URL/chat/completions \\",
    '  -H "Authorization: Bearer $OPENAI_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    "  -d '{",
    `    "model": ${inShell},`,
    `    "messages": [{"role": "user", "content": "${QUESTION}"}]`,
    "  }'",
    "",
    "// Node.js (npm install openai)",
    'import OpenAI from "openai";',
    "const chat = await new OpenAI().chat.completions.create({",
    `  model: ${name},`,
    `  messages: [{ role: "user", content: "${QUESTION}" }],`,
    "});",
    "console.log(chat.choices[0].message.content);",
    "",
    "# Python (pip install openai)",
    "from openai import OpenAI",
    "chat = OpenAI().chat.completions.create(",
    `    model=${name},`,
    `    messages=[{"role": "user", "content": "${QUESTION}"}],`,
    ")",
    "print(chat.choices[0].message.content)",
  ];
}

/** A server on all addresses has no address that a client could open. */
const WILDCARDS = ["0.0.0.0", "[::]"];

function listOpenableUrls(baseUrl: string, addresses: readonly string[]): readonly string[] {
  const { protocol, hostname, port, pathname } = new URL(baseUrl);
  if (!WILDCARDS.includes(hostname)) return [baseUrl];
  return ["127.0.0.1", ...addresses].map((address) => `${protocol}//${address}:${port}${pathname}`);
}

/** Only IPv4: of the other addresses most need a zone, which URLs don't take. */
function listAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}
