/**
 * Texts of all calls that wait for the model, and which of them are computed together: those of similar length, so
 * that little of a batch is padding. Knows nothing of the model.
 */

export interface WaitingText {
  readonly tokens: readonly number[];
}

export interface BatchLimits {
  /** Padding included; a longer text is a batch by itself. */
  readonly tokensMax: number;
  /** Of a batch, as a share of its tokens without padding. */
  readonly paddingShareMax: number;
}

export interface TextBatches<Text extends WaitingText> {
  add(call: object, text: Text): void;
  /** Removing one that is not there changes nothing. */
  remove(call: object, text: Text): void;
  /** Removes and returns the next batch. Each begins with a text of the next call in turn; empty where none waits. */
  take(): readonly Text[];
  readonly isEmpty: boolean;
}

export function createTextBatches<Text extends WaitingText>({
  tokensMax,
  paddingShareMax,
}: BatchLimits): TextBatches<Text> {
  /** Least recently served first. */
  const byCall = new Map<object, Set<Text>>();
  const byLength = new Map<number, Map<Text, object>>();

  function remove(call: object, text: Text): void {
    const texts = byCall.get(call);
    if (texts?.delete(text) !== true) return;
    if (texts.size === 0) byCall.delete(call);
    const { length } = text.tokens;
    const alike = byLength.get(length);
    alike?.delete(text);
    if (alike?.size === 0) byLength.delete(length);
  }

  /** The next call's oldest text. The call moves to the end of the queue. */
  function takeFirst(): Text | undefined {
    for (const [call, texts] of byCall) {
      for (const text of texts) {
        byCall.delete(call);
        byCall.set(call, texts);
        remove(call, text);
        return text;
      }
    }
    return undefined;
  }

  function fill(batch: Text[], first: Text): void {
    let longest = first.tokens.length;
    let total = longest;
    const fits = (length: number): boolean => {
      const padded = (batch.length + 1) * Math.max(longest, length);
      return padded <= tokensMax && padded <= (total + length) * (1 + paddingShareMax);
    };
    const lengths = [...byLength.keys()].sort(
      (left, right) => Math.abs(left - first.tokens.length) - Math.abs(right - first.tokens.length),
    );
    for (const length of lengths) {
      for (const [text, call] of byLength.get(length) ?? []) {
        if (!fits(length)) break;
        remove(call, text);
        batch.push(text);
        longest = Math.max(longest, length);
        total += length;
      }
    }
  }

  return {
    add(call, text) {
      const { length } = text.tokens;
      byCall.set(call, (byCall.get(call) ?? new Set()).add(text));
      byLength.set(length, (byLength.get(length) ?? new Map<Text, object>()).set(text, call));
    },
    remove,
    take() {
      const first = takeFirst();
      if (first === undefined) return [];
      const batch = [first];
      fill(batch, first);
      return batch;
    },
    get isEmpty() {
      return byCall.size === 0;
    },
  };
}
