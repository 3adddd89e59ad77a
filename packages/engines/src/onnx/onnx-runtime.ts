/**
 * ONNX Runtime, imported when a model is first loaded. A session computes on the thread that runs it and blocks its
 * event loop for so long, so whoever loads one has a process of its own.
 */

import { AiError } from "@openai-compat/core";
import type * as nativeLibrary from "onnxruntime-node";

export type OnnxModule = typeof nativeLibrary;
export type OnnxSession = nativeLibrary.InferenceSession;
export type OnnxTensor = nativeLibrary.Tensor;

/** @throws AiError `engine_unavailable` where the package is not installed or has no binary for this machine */
export async function importOnnxRuntime(): Promise<OnnxModule> {
  try {
    return await import("onnxruntime-node");
  } catch (thrown) {
    const message =
      `The engine needs the package onnxruntime-node, which is not installed or does not run on this machine ` +
      `(${process.platform}-${process.arch}).`;
    throw new AiError("engine_unavailable", message, { cause: thrown });
  }
}

export interface OnnxModelOptions {
  /** The model's own bytes, or the path of its file. */
  readonly model: Uint8Array | string;
  /** Where the files lie that the model names for its weights. */
  readonly weightsDirectory?: string;
  readonly threads: number;
}

/** @throws Error of the library, for a model that it can't read */
export async function openOnnxSession(
  { InferenceSession }: OnnxModule,
  { model, weightsDirectory, threads }: OnnxModelOptions,
): Promise<OnnxSession> {
  const options: nativeLibrary.InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // Warnings too: the server logs them.
    logSeverityLevel: 2,
    extra: {
      session: {
        // An idle session must not take a core from others.
        intra_op: { allow_spinning: "0" },
        ...(weightsDirectory === undefined ? {} : { model_external_initializers_file_folder_path: weightsDirectory }),
      },
    },
  };
  return typeof model === "string" ? InferenceSession.create(model, options) : InferenceSession.create(model, options);
}
