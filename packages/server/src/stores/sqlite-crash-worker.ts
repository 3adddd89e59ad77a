/** Holds and resolves on the SQLite file of its first argument until it is killed, and prints the results. */

import { openSqliteStores } from "./sqlite.ts";

const AT_ONCE = 16;
const [path = "", run = ""] = process.argv.slice(2);
const { credits } = openSqliteStores(path);
const units = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, audioMs: 0, characters: 0 };

async function call(id: string): Promise<void> {
  const common = { accountId: "ada", nowMs: 1000 };
  const { held } = await credits.hold({ ...common, id, amount: 10, expiresAtMs: 5000 });
  if (!held) return;
  const usage = { ...common, operation: "ai_prompt", modelId: "model", requestId: id, units } as const;
  await credits.settle({ ...usage, holdId: id, amount: 3 });
  process.stdout.write(`${id}\n`);
}

async function callOneAfterTheOther(lane: number): Promise<never> {
  for (let number = 0; ; number += 1) await call(`${run}-${lane}-${number}`);
}

await Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => callOneAfterTheOther(lane)));
