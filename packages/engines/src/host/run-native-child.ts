/**
 * Makes this process the one of a native model: connects it with its parent, and sees to it that it never outlives
 * it, whatever its native code does.
 */

import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { ParentMessage } from "./host-protocol.ts";
import type { NativeKinds } from "./native-model.ts";
import { MESSAGE_PIPE, receiveMessages, sendMessage } from "./message-pipe.ts";
import { serveNativeModel } from "./serve-native-model.ts";

/** How soon it notices that the parent is gone while native code blocks its event loop. */
const ORPHAN_CHECK_MS = 1_000;

/**
 * In a thread of its own: it runs while native code holds the main one. An orphan gets another parent; on Windows it keeps the number
 * of one that is gone.
 */
const ORPHAN_WATCH = `
  const { workerData } = require("node:worker_threads");
  setInterval(() => {
    if (process.ppid === workerData.parentPid && isAlive(workerData.parentPid)) return;
    process.kill(process.pid, "SIGKILL");
  }, workerData.intervalMs);
  function isAlive(pid) {
    if (process.platform !== "win32") return true;
    try {
      return process.kill(pid, 0);
    } catch (error) {
      return error.code !== "ESRCH";
    }
  }
`;

/** Linux ends the process with the highest score first when memory runs out: a model rather than the server. */
const OOM_SCORE = "500";

/** Of a terminal's Ctrl-C, or of a supervisor for the whole group: the parent decides when its models end. */
const IGNORED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** @param kinds what the parent may ask for. Call it once. */
export function runNativeChild(kinds: NativeKinds): void {
  watchParent(Number(process.argv[2]));
  offerToOomKiller();
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});
  const pipe = new Socket({ fd: MESSAGE_PIPE, readable: true, writable: true });
  // No clean end: a library's own might hang, and nobody is there to end it.
  const end = (): void => void process.kill(process.pid, "SIGKILL");
  pipe.on("close", end);
  // It is closed then.
  pipe.on("error", () => {});
  serveNativeModel(
    {
      send: (messages) => sendMessage(pipe, messages),
      receive: (listener) =>
        receiveMessages(pipe, {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server sends no others
          onMessage: (message) => listener(message as ParentMessage),
          onBroken: end,
        }),
    },
    kinds,
    () => {
      pipe.off("close", end);
      pipe.end(() => process.exit(0));
    },
  );
}

/** @param parentPid said by the parent, which may be gone by now: then this process has another one already. */
function watchParent(parentPid: number): void {
  const workerData = { parentPid, intervalMs: ORPHAN_CHECK_MS };
  new Worker(ORPHAN_WATCH, { eval: true, workerData, stdout: false, stderr: false }).unref();
}

function offerToOomKiller(): void {
  if (process.platform !== "linux") return;
  try {
    writeFileSync("/proc/self/oom_score_adj", OOM_SCORE);
  } catch (thrown) {
    // A container may forbid it. The system then decides as it does for any process.
    process.stderr.write(`The score for the out-of-memory killer can't be set: ${String(thrown)}\n`);
  }
}
