/**
 * `node conformance/results/replay.ts FILE`: sends the request of each failure in `failures.json` again by its printed `curl`
 * line, and counts how many answers show what the report says. The server has to be running; `OPENAI_API_KEY` holds its
 * key. Exits 1 unless each line that is whole shows its failure.
 */

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { z } from "zod";

const LINE_TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** Shorter texts in quotation marks are found in any answer. */
const QUOTED = /"([^"\\]{6,60})"/g;

const failuresSchema = z.array(z.object({ id: z.string(), got: z.string(), reproduce: z.string() }));
type Failure = z.infer<typeof failuresSchema>[number];

/** shown: the status or a text of the report came again. other: an answer without it. cut: the line is not whole. */
type Verdict = "shown" | "other" | "cut";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("Name a file of failures, such as conformance/results/stubllm/failures.json.\n");
  process.exitCode = 2;
} else process.exitCode = await replayAll(file);

async function replayAll(path: string): Promise<number> {
  const failures = failuresSchema.parse(JSON.parse(await readFile(path, "utf8")));
  const counts: Record<Verdict, number> = { shown: 0, other: 0, cut: 0 };
  for (const failure of failures) {
    const verdict = replay(failure);
    counts[verdict] += 1;
    if (verdict !== "shown") process.stdout.write(`${verdict} ${failure.id}: ${failure.got.slice(0, 120)}\n`);
  }
  process.stdout.write(
    `${failures.length} lines: ${counts.shown} show the failure, ${counts.other} do not, ${counts.cut} are cut\n`,
  );
  return counts.other === 0 ? 0 : 1;
}

function replay({ got, reproduce }: Failure): Verdict {
  if (reproduce.includes("# body cut")) return "cut";
  // A report's line is what a person would paste into a shell.
  const { stdout } = spawnSync("bash", ["-c", reproduce.replace("curl -i", "curl -s -i")], {
    encoding: "utf8",
    timeout: LINE_TIMEOUT_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const status = /^HTTP\/\S+ (\d{3})/.exec(stdout)?.[1];
  const reported = /\bstatus (\d{3})\b/.exec(got)?.[1];
  if (reported !== undefined) return reported === status ? "shown" : "other";
  const texts = [...got.matchAll(QUOTED)].map(([, text = ""]) => text);
  const isAnswered = status !== undefined && Number(status) < 500;
  return isAnswered && (texts.length === 0 || texts.some((text) => stdout.includes(text))) ? "shown" : "other";
}
