import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startLocalGateway } from "./local-gateway.ts";

/** A server of a few lines that writes down its process id and, as its recipe, what it was given as configuration. */
function startFake(source: string) {
  const folder = mkdtempSync(path.join(tmpdir(), "fake-gateway-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = path.join(folder, "server.mjs");
  const pidFile = path.join(folder, "pids");
  writeFileSync(
    script,
    `import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
    const valueOf = (name) => process.argv[process.argv.indexOf(name) + 1];
    const isGateway = process.argv.includes("--config");
    appendFileSync(${JSON.stringify(pidFile)}, process.pid + "\\n");
    setInterval(() => {}, 1000);
    const upstream = JSON.stringify({ base_url: "http://there/v1", keys: { full: "k" }, models: { chat: "m", embedding: "e", transcription: "t" } });
    ${source}
    // As the server does: whoever sees the file can read all of it.
    const readyFile = valueOf("--ready-file");
    writeFileSync(readyFile + ".tmp", isGateway ? readFileSync(valueOf("--config")) : upstream);
    renameSync(readyFile + ".tmp", readyFile);`,
  );
  const running = () =>
    readFileSync(pidFile, "utf8")
      .trim()
      .split("\n")
      .map((pid) => isRunning(Number(pid)));
  const gateway = startLocalGateway({
    responses: "native",
    command: process.execPath,
    arguments: [script],
    readyTimeMsMax: 10_000,
    logFile: path.join(folder, "server.log"),
  });
  return { gateway, running };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("the second server is the upstream of the first, and both are gone after the stop", async () => {
  const { gateway, running } = startFake("");
  const { targetFile, stop } = await gateway;
  expect(JSON.parse(readFileSync(targetFile, "utf8"))).toMatchObject({
    models: [
      {
        default: true,
        engine: { kind: "upstream", baseUrls: ["http://there/v1"], model: "m", apiKey: "k", responses: "native" },
      },
      { type: "embedding", engine: { kind: "upstream", baseUrls: ["http://there/v1"], model: "e", apiKey: "k" } },
      {
        type: "transcription",
        default: true,
        engine: { kind: "upstream", baseUrls: ["http://there/v1"], model: "t", apiKey: "k" },
      },
    ],
  });
  expect(running()).toEqual([true, true]);
  await stop();
  expect(running()).toEqual([false, false]);
});

test("a gateway that can't start leaves no upstream behind", async () => {
  const { gateway, running } = startFake("if (isGateway) process.exit(3);");
  await expect(gateway).rejects.toThrow("exit code 3");
  expect(running()).toEqual([false, false]);
});
