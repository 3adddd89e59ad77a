/**
 * What the process of a model takes before it has loaded one: Node.js and a native library. Measured: 149 to 150 MB with node-llama-cpp, 119 to
 * 120 MB with ONNX Runtime.
 */
export const MODEL_PROCESS_BYTES = 144 * 1024 * 1024;
