/**
 * The Codex CLI, unchanged, on this server: it speaks responses and nothing else. Its binary is too large for every clone (170 MB
 * packed), so it runs where `codex` is on the PATH, or where OPENAI_COMPAT_CODEX says it is.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ChatEngine, ChatMessage, GenerationEvent } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const run = promisify(execFile);

const codex = findCodex();
if (codex === null) {
  console.warn("Codex: not tested, because `codex` is not on the PATH and OPENAI_COMPAT_CODEX is not set.");
}

function findCodex(): string | null {
  const named = process.env["OPENAI_COMPAT_CODEX"];
  if (named !== undefined) return named;
  const paths = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "codex"));
  return paths.find((path) => existsSync(path)) ?? null;
}

const COMMAND = { cmd: "echo tool-$((40 + 2))" };

/** Calls the shell once, and then says what the shell said. */
function createShellEngine(asked: (readonly ChatMessage[])[]): ChatEngine {
  const scripted = createScriptedEngine();
  let messages: readonly ChatMessage[] = [];
  return {
    ...scripted,
    limits: { ...scripted.limits, contextTokens: 262_144 },
    async prepare(prompt, signal) {
      ({ messages } = prompt);
      asked.push(messages);
      return { ...(await scripted.prepare(prompt, signal)), contextTokens: 262_144 };
    },
    async *generate(): AsyncGenerator<GenerationEvent, void> {
      yield { type: "generation-start", cachedTokens: 0 };
      const last = messages.at(-1);
      if (last?.role === "tool") {
        yield { type: "text-delta", text: `The shell says: ${last.content}`, completionTokens: 1 };
        yield { type: "generation-end", finishReason: "stop", completionTokens: 1, reasoningTokens: 0 };
        return;
      }
      yield { type: "reasoning-delta", text: "The shell knows.", completionTokens: 1 };
      yield { type: "tool-call-start", name: "exec_command", completionTokens: 2 };
      yield { type: "tool-call-delta", text: JSON.stringify(COMMAND), completionTokens: 3 };
      yield { type: "generation-end", finishReason: "tool-calls", completionTokens: 3, reasoningTokens: 1 };
    },
  };
}

/** A home of its own: nothing of the user's is read, and nothing leaves the machine. */
async function createHome(baseUrl: string): Promise<{ readonly home: string; readonly work: string }> {
  const folder = await mkdtemp(join(tmpdir(), "codex-"));
  const [home, work] = [join(folder, "home"), join(folder, "work")];
  await mkdir(home);
  await mkdir(work);
  const settings = [
    'model = "scripted"',
    'model_provider = "local"',
    "check_for_update_on_startup = false",
    "[analytics]",
    "enabled = false",
    "[model_providers.local]",
    'name = "local"',
    `base_url = "${baseUrl}"`,
    'wire_api = "responses"',
    'env_key = "LOCAL_KEY"',
  ];
  await writeFile(join(home, "config.toml"), settings.join("\n"));
  return { home, work };
}

test.skipIf(codex === null)(
  "Codex calls a tool, gives back what it said, and prints the answer",
  async () => {
    const asked: (readonly ChatMessage[])[] = [];
    const { server, baseUrl, keys } = await startTestServer({ engine: createShellEngine(asked) });
    const { home, work } = await createHome(baseUrl);
    try {
      const pending = run(
        codex ?? "",
        [
          "exec",
          "--json",
          "--skip-git-repo-check",
          "--ephemeral",
          "--sandbox",
          "danger-full-access",
          "What is 40 + 2?",
        ],
        {
          cwd: work,
          env: { PATH: process.env["PATH"], HOME: home, CODEX_HOME: home, LOCAL_KEY: keys.key },
          timeout: 100_000,
        },
      );
      pending.child.stdin?.end();
      const { stdout } = await pending;
      const events: unknown[] = stdout
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
      expect(events).toContainEqual(
        expect.objectContaining({
          type: "item.completed",
          item: expect.objectContaining({ type: "command_execution", exit_code: 0, aggregated_output: "tool-42\n" }),
        }),
      );
      expect(events).toContainEqual(
        expect.objectContaining({
          type: "item.completed",
          item: expect.objectContaining({
            type: "agent_message",
            text: expect.stringMatching(/^The shell says: [^]*tool-42/),
          }),
        }),
      );
      expect(events.at(-1)).toMatchObject({ type: "turn.completed", usage: { output_tokens: 4 } });
      expect(asked).toHaveLength(2);
      expect(asked[1]?.at(-2)).toMatchObject({ role: "assistant", reasoning: "The shell knows." });
    } finally {
      await server.close();
      await rm(join(home, ".."), { recursive: true, force: true });
    }
  },
  120_000,
);
