/** Moments on the wire: whole seconds since 1970, never milliseconds. */
import { z } from "zod";

/** The last second of the year 9999; a count of milliseconds lies beyond it. */
export const UNIX_TIME_MAX_SECONDS = 253_402_300_799;

/** A Unix time in whole seconds. Typed clients fail on fractions, strings and milliseconds. */
export const unixTimeSchema = z.int().min(0).max(UNIX_TIME_MAX_SECONDS).describe("Unix time in whole seconds.");
