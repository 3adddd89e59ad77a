/** What the browser's audio thread has beside the language; the DOM's own types leave it out. */

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Of the context, in Hz. */
declare const sampleRate: number;
