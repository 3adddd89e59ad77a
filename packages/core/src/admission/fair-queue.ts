/** Waiting members, grouped by account: first in, first out within an account. It knows nothing about slots. */

export interface AccountMember {
  readonly accountId: string;
  /** Members of running calls come before their account's new calls, and are not counted among them. */
  readonly isRunning: boolean;
}

export interface FairQueue<Member extends AccountMember> {
  add(member: Member): void;
  /** Does nothing for one that is not in the queue. */
  remove(member: Member): void;
  /**
   * The first member of the account with the lowest rank; it stays in the queue. Accounts of equal rank take turns.
   *
   * @param rank null for an account that may not have a turn now.
   */
  next(rank: (accountId: string) => number | null): Member | null;
  /** The newest new call of the account that has most of them. */
  longest(): { readonly waiting: number; readonly last: Member } | null;
  /** New calls of an account. */
  waitingOf(accountId: string): number;
  /** New calls of all accounts. */
  readonly waiting: number;
  /** Of accounts that have a member. */
  accountIds(): Iterable<string>;
  /** Whether there is neither a new call nor a member of a running one. */
  readonly isEmpty: boolean;
}

interface AccountQueue<Member> {
  readonly running: Set<Member>;
  readonly waiting: Set<Member>;
}

/** An account without a member is forgotten. */
export function createFairQueue<Member extends AccountMember>(): FairQueue<Member> {
  /** In the order in which the accounts' turns come. */
  const accounts = new Map<string, AccountQueue<Member>>();
  let waiting = 0;
  return {
    add(member) {
      const own = accounts.get(member.accountId) ?? { running: new Set(), waiting: new Set() };
      accounts.set(member.accountId, own);
      own[member.isRunning ? "running" : "waiting"].add(member);
      if (!member.isRunning) waiting += 1;
    },
    remove(member) {
      const own = accounts.get(member.accountId);
      if (own?.[member.isRunning ? "running" : "waiting"].delete(member) !== true) return;
      if (!member.isRunning) waiting -= 1;
      if (own.running.size + own.waiting.size === 0) accounts.delete(member.accountId);
    },
    next(rank) {
      let lowest = Number.POSITIVE_INFINITY;
      let found: { readonly accountId: string; readonly own: AccountQueue<Member> } | null = null;
      for (const [accountId, own] of accounts) {
        const ranked = rank(accountId);
        if (ranked === null || ranked >= lowest) continue;
        lowest = ranked;
        found = { accountId, own };
      }
      if (found === null) return null;
      accounts.delete(found.accountId);
      accounts.set(found.accountId, found.own);
      for (const members of [found.own.running, found.own.waiting]) for (const member of members) return member;
      return null;
    },
    longest() {
      let longest: ReadonlySet<Member> = new Set();
      for (const own of accounts.values()) if (own.waiting.size > longest.size) longest = own.waiting;
      const last = [...longest].at(-1);
      return last === undefined ? null : { waiting: longest.size, last };
    },
    waitingOf: (accountId) => accounts.get(accountId)?.waiting.size ?? 0,
    get waiting() {
      return waiting;
    },
    accountIds: () => accounts.keys(),
    get isEmpty() {
      return accounts.size === 0;
    },
  };
}
