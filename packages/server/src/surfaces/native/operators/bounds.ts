/** How many entries a list has where its caller names no limit. */
export const ENTRIES_DEFAULT = 100;
