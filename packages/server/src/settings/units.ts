/** The number types of the settings: what each unit accepts, said once. */

import { z } from "zod";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Things of which there is at least one. */
export const count = z.int().min(1);
export const countFromZero = z.int().min(0);
export const milliseconds = z.int().min(1).max(DAY_MS);
export const millisecondsFromZero = z.int().min(0).max(DAY_MS);
/** For what a database is waited for. */
export const databaseMilliseconds = z.int().min(1).max(HOUR_MS);
export const databaseCount = z.int().min(1).max(1_000_000);
/** Null: no limit. */
export const perMinute = z.int().min(1).max(1_000_000_000).nullable();
/** Micro-credits. */
export const price = z.int().min(0).max(1_000_000_000_000);

/** Half of what AES-256 takes would be as good as none: 32 bytes, as `openssl rand -base64 32` prints them. */
export const secretKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/, { error: "use 32 bytes in base64, such as `openssl rand -base64 32` prints them" })
  .nullable()
  .default(null);
