/**
 * A conversation that is too long for its model goes on without its oldest turns. System messages, the last question and the
 * last step stay; a call and its outputs stay or go together.
 */

import type { ChatMessage } from "../engine/chat-engine.ts";

export interface Preparation<Prepared> {
  /** Tried a few times: about once for each doubling of the number of turns. */
  readonly prepare: (messages: readonly ChatMessage[]) => Promise<Prepared>;
  /** Whether it was thrown for the length alone. */
  readonly isTooLong: (thrown: unknown) => boolean;
  /** Whether an answer has room enough. The shortest conversation is taken without, too. */
  readonly hasRoom: (prepared: Prepared) => boolean;
}

/**
 * Leaves out as few of the oldest turns as it can, and then up to a quarter of the rest: the beginning of the prompt stays
 * the same for some turns to come, and what was computed of it is used again.
 *
 * @throws what `prepare` throws: for the shortest conversation where that is too long as well
 */
export async function prepareTruncated<Prepared>(
  messages: readonly ChatMessage[],
  preparation: Preparation<Prepared>,
): Promise<Prepared> {
  const turns = groupTurns(messages);
  const droppable = turns.filter(({ isKept }) => !isKept).length;
  const prepareWithout = (dropped: number) => preparation.prepare(dropTurns(turns, dropped));
  // Nearly all fit as they are.
  const whole = droppable === 0 ? null : await tryPreparing(() => prepareWithout(0), preparation);
  if (whole !== null) return whole;
  let found: Prepared | null = null;
  let [fewest, most] = [1, droppable];
  while (fewest < most) {
    const dropped = Math.floor((fewest + most) / 2);
    const prepared = await tryPreparing(() => prepareWithout(dropped), preparation);
    if (prepared === null) {
      fewest = dropped + 1;
    } else {
      found = prepared;
      most = dropped;
    }
  }
  const steady = steadyDrop(most, droppable);
  return found !== null && steady === most ? found : prepareWithout(steady);
}

/** @returns null for what is too long, or leaves too little room */
async function tryPreparing<Prepared>(
  prepare: () => Promise<Prepared>,
  { isTooLong, hasRoom }: Preparation<Prepared>,
): Promise<Prepared | null> {
  try {
    const prepared = await prepare();
    return hasRoom(prepared) ? prepared : null;
  } catch (thrown) {
    if (!isTooLong(thrown)) throw thrown;
    return null;
  }
}

/** How many turns to leave out where so many have to be: up to a quarter of the rest more, and the same for some turns to come. */
export function steadyDrop(fewest: number, droppable: number): number {
  return Math.min(droppable, roundUp(fewest, Math.floor((droppable - fewest) / 4)));
}

/** To a multiple of the largest power of two up to `step`. */
function roundUp(count: number, step: number): number {
  if (step < 1) return count;
  const unit = 2 ** Math.floor(Math.log2(step));
  return Math.ceil(count / unit) * unit;
}

type AnyMessage = Pick<ChatMessage, "role">;

export interface TurnGroup<Message> {
  readonly messages: readonly Message[];
  /** Whether it is in every conversation, however short. */
  readonly isKept: boolean;
}

/**
 * A question with its answer is a turn; the last question is kept, and each step after it, a call with its outputs, is one. The
 * last turn is kept.
 */
export function groupTurns<Message extends AnyMessage>(messages: readonly Message[]): readonly TurnGroup<Message>[] {
  const lastQuestion = messages.findLastIndex(({ role }) => role === "user");
  const turns: { readonly messages: Message[]; readonly isKept: boolean }[] = [];
  let previous: ChatMessage["role"] | null = null;
  for (const [index, message] of messages.entries()) {
    const { role } = message;
    const isKept = role === "system" || index === lastQuestion;
    const begins =
      isKept ||
      (role === "user" && previous !== "user") ||
      (role === "assistant" && (index > lastQuestion || previous === null || previous === "system"));
    const last = turns.at(-1);
    if (begins || last === undefined || last.isKept) turns.push({ messages: [message], isKept });
    else last.messages.push(message);
    previous = role;
  }
  const last = turns.at(-1);
  return last === undefined || last.isKept ? turns : [...turns.slice(0, -1), { ...last, isKept: true }];
}

/** @param dropped how many of the oldest turns that are not kept */
export function dropTurns<Message>(turns: readonly TurnGroup<Message>[], dropped: number): readonly Message[] {
  let left = dropped;
  return turns.flatMap(({ messages, isKept }) => {
    if (isKept || left === 0) return messages;
    left -= 1;
    return [];
  });
}
