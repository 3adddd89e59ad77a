/** What the process of a voice and the thread of its model say to each other. All of it can be structured-cloned. */

import type { AiErrorData } from "@openai-compat/core";

/** What the thread loads. */
export type GraphSettings =
  | { readonly family: "hibari"; readonly model: Uint8Array; readonly threads: number }
  | {
      readonly family: "kokoro";
      readonly model: string;
      readonly threads: number;
      readonly stylesPath: string;
      readonly voices: readonly string[];
    };

export interface RenderOptions {
  readonly voice: string;
  /** Within what the model was trained for. */
  readonly speed: number;
}

export type GraphRequest =
  | {
      readonly type: "render";
      readonly id: number;
      readonly symbols: readonly number[];
      readonly options: RenderOptions;
    }
  /** Free the model and end the thread. */
  | { readonly type: "close" };

export type GraphReply =
  /** `symbolsMax`: of one piece. */
  | { readonly type: "opened"; readonly symbolsMax: number }
  | { readonly type: "open-failed"; readonly error: AiErrorData }
  | { readonly type: "rendered"; readonly id: number; readonly samples: Float32Array<ArrayBuffer> }
  | { readonly type: "failed"; readonly id: number; readonly error: AiErrorData };
