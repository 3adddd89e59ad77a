/** Makes mono of a block: the mean of its channels, within -1 to 1, numbers only. */

import type { PcmBlock } from "./pcm-source.ts";

/** Float files can hold infinities and what is no number; one of them would spread over every sample after it. */
export function mixToMono({ channels }: PcmBlock): Float32Array {
  const [first = new Float32Array(0)] = channels;
  const mono = new Float32Array(first.length);
  for (let index = 0; index < mono.length; index += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[index] ?? 0;
    const mean = sum / channels.length;
    mono[index] = mean >= -1 ? Math.min(mean, 1) : Number.isNaN(mean) ? 0 : -1;
  }
  return mono;
}
