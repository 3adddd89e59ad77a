/** What the process of a model takes before it has loaded one: Node.js and a native library. Measured: 105 to 130 MB. */
export const MODEL_PROCESS_BYTES = 128 * 1024 * 1024;
