/** A line in which accounts take turns, each account's own members first come first served. It knows nothing of places. */

export interface AccountMember {
  readonly accountId: string;
}

export interface FairLine<Member extends AccountMember> {
  add(member: Member): void;
  /** Does nothing for one that is not in the line. */
  remove(member: Member): void;
  /** Whose turn it is; it stays in the line. The account's next turn comes after everybody else's. */
  next(): Member | null;
  /** The newest member of the account that has most of them. */
  longest(): { readonly waiting: number; readonly last: Member } | null;
  waitingOf(accountId: string): number;
  readonly size: number;
}

/** An account without a member is forgotten. */
export function createFairLine<Member extends AccountMember>(): FairLine<Member> {
  /** In the order in which the accounts' turns come. */
  const lines = new Map<string, Set<Member>>();
  let size = 0;
  return {
    add(member: Member): void {
      const own = lines.get(member.accountId);
      if (own === undefined) lines.set(member.accountId, new Set([member]));
      else own.add(member);
      size += 1;
    },
    remove(member: Member): void {
      const own = lines.get(member.accountId);
      if (own === undefined || !own.delete(member)) return;
      size -= 1;
      if (own.size === 0) lines.delete(member.accountId);
    },
    next(): Member | null {
      for (const [accountId, own] of lines) {
        lines.delete(accountId);
        lines.set(accountId, own);
        for (const member of own) return member;
      }
      return null;
    },
    longest(): { readonly waiting: number; readonly last: Member } | null {
      let longest: ReadonlySet<Member> = new Set();
      for (const own of lines.values()) if (own.size > longest.size) longest = own;
      const last = [...longest].at(-1);
      return last === undefined ? null : { waiting: longest.size, last };
    },
    waitingOf: (accountId: string): number => lines.get(accountId)?.size ?? 0,
    get size(): number {
      return size;
    },
  };
}
