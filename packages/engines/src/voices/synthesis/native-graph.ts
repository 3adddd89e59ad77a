/** The model of a voice as it runs in a process of its own: a piece of text takes it seconds, in which it answers nothing else. */

import type { NativeAnswer, NativeModel } from "../../host/native-model.ts";
import { importOnnxRuntime } from "../../onnx/onnx-runtime.ts";
import { openHibariGraph, openKokoroGraph } from "./voice-graph.ts";
import type { RenderOptions } from "./voice-graph.ts";

/** What the process loads. */
export type GraphSettings =
  | { readonly family: "hibari"; readonly model: Uint8Array; readonly threads: number }
  | {
      readonly family: "kokoro";
      readonly model: string;
      readonly threads: number;
      readonly stylesPath: string;
      readonly voices: readonly string[];
    };

export interface NativeGraph extends NativeModel {
  readonly answers: {
    /** `symbolsMax`: of one piece. */
    readonly describe: NativeAnswer<null, { readonly symbolsMax: number }>;
    /** Samples at 24 kHz. */
    readonly render: NativeAnswer<
      { readonly symbols: readonly number[]; readonly options: RenderOptions },
      Float32Array<ArrayBuffer>
    >;
  };
  readonly streams: {};
}

/** @throws AiError `engine_unavailable` */
export async function openNativeGraph(settings: GraphSettings): Promise<NativeGraph> {
  const runtime = await importOnnxRuntime();
  const graph = await (settings.family === "hibari"
    ? openHibariGraph(runtime, settings)
    : openKokoroGraph(runtime, settings));
  return {
    answers: {
      describe: async () => ({ symbolsMax: graph.symbolsMax }),
      render: async ({ symbols, options }) => graph.render(symbols, options),
    },
    streams: {},
    dispose: () => graph.dispose(),
  };
}
