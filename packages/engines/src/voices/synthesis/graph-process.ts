/**
 * The model of a voice in a process beside the voice's own, which can be killed: ONNX Runtime offers no way to end a
 * piece that is computed. So an abort costs little, and the next piece starts another process.
 */

import { createTurns } from "../../llama/turns.ts";
import { startNativeProcess } from "../../host/native-process.ts";
import type { NativeProcess } from "../../host/native-process.ts";
import type { GraphSettings, NativeGraph } from "./native-graph.ts";
import type { RenderOptions } from "./voice-graph.ts";

export interface GraphProcess {
  /** Symbols that one piece may have at most. */
  readonly symbolsMax: number;
  /**
   * Calls take turns, a piece each. After an abort, a piece that does not end soon ends with its process.
   *
   * @throws the signal's reason; AiError `engine_failed`
   */
  render(symbols: readonly number[], options: RenderOptions, signal: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** Its memory, as it was last seen. */
  residentBytes(): number;
  /** No piece may be computed. */
  dispose(): Promise<void>;
}

export interface GraphProcessOptions {
  /** How long a piece may go on after its abort. Milliseconds, default 200: most pieces of a fast model end by themselves. */
  readonly abortTimeMsMax?: number;
  /** The module that the process runs. Default: the one that knows all native kinds. */
  readonly entry?: URL;
}

/** A piece of a slow model on a busy machine: in this time it answers no ping. */
const PIECE_MS_MAX = 600_000;
const EXIT_MS_MAX = 2_000;
const never = new AbortController().signal;

/** @throws AiError `engine_unavailable` when the model or the library can't be loaded */
export async function openGraphProcess(
  settings: GraphSettings,
  { abortTimeMsMax = 200, entry }: GraphProcessOptions = {},
): Promise<GraphProcess> {
  const turns = createTurns();
  let current: NativeProcess<NativeGraph> | null = null;
  let bytes = 0;

  const start = async (): Promise<NativeProcess<NativeGraph>> => {
    const started = await startNativeProcess<NativeGraph>({
      kind: "voice-graph",
      settings,
      limits: { abortTimeMsMax, answerTimeMsMax: PIECE_MS_MAX, exitTimeMsMax: EXIT_MS_MAX },
      onEvent(event) {
        if (event.type === "process-memory") bytes = event.rssBytes;
        if (event.type === "process-end") bytes = 0;
      },
      ...(entry === undefined ? {} : { entry }),
    });
    void started.lost.then(() => {
      if (current === started) current = null;
    });
    return started;
  };

  current = await start();
  const { symbolsMax } = await current.model.answers.describe(null, never);
  return {
    symbolsMax,
    async render(symbols, options, signal) {
      const endTurn = await turns.take({}, signal);
      try {
        current ??= await start();
        return await current.model.answers.render({ symbols, options }, signal);
      } catch (thrown) {
        // One that was killed for it says only that it is gone.
        signal.throwIfAborted();
        throw thrown;
      } finally {
        endTurn();
      }
    },
    residentBytes: () => bytes,
    async dispose() {
      const ending = current;
      current = null;
      await ending?.close();
    },
  };
}
