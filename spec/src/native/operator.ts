/** What operators of a server see and change: accounts, keys and credits. Amounts are whole micro-credits. */
import { z } from "zod";
import { nativeIdSchema, wholeMilliseconds } from "./shared.ts";

/** As tokens and keys name it. Any text is an account. */
export const accountIdSchema = z.string().min(1).max(320);

const microCredits = z.int();
const limit = z.int().min(1).max(1000).optional().describe("Default 100.");

export const accountSchema = z.object({
  id: z.string(),
  keys: z.int().min(0).describe("That can be used: neither revoked nor expired."),
  balance: microCredits.describe("Everything granted less everything charged."),
  held: microCredits.describe("The part of it that is reserved for running calls."),
});
export type Account = z.infer<typeof accountSchema>;

export const listAccountsInputSchema = z.strictObject({
  after: z.string().optional().describe("The id of the last account that is known already."),
  limit,
});
export type ListAccountsInput = z.infer<typeof listAccountsInputSchema>;

export const getAccountInputSchema = z.strictObject({ id: accountIdSchema });

export const balanceSchema = z.object({ accountId: z.string(), balance: microCredits, held: microCredits });
export type NativeBalance = z.infer<typeof balanceSchema>;

export const balanceInputSchema = z.strictObject({ accountId: accountIdSchema });

export const listCreditEntriesInputSchema = z.strictObject({ accountId: accountIdSchema.optional(), limit });
export type ListCreditEntriesInput = z.infer<typeof listCreditEntriesInputSchema>;

const entry = { accountId: z.string(), amount: microCredits.describe("Signed."), createdAtMs: wholeMilliseconds };

export const creditEntrySchema = z.discriminatedUnion("kind", [
  z.object({ ...entry, kind: z.literal("grant"), note: z.string() }),
  z.object({
    ...entry,
    kind: z.literal("usage"),
    operation: z.string(),
    modelId: z.string(),
    requestId: z.string(),
    units: z.record(z.string(), z.number()),
  }),
]);
export type CreditEntry = z.infer<typeof creditEntrySchema>;

export const grantCreditsInputSchema = z.strictObject({
  accountId: accountIdSchema,
  amount: microCredits
    .refine((amount) => amount !== 0, { error: "expected an amount other than 0" })
    .describe("Negative: takes back what is not in use."),
  note: z.string().max(200).optional().describe("Why, for the log."),
  grantId: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("Granting again under the same id changes nothing, so a call may be repeated. Default: a new one."),
});
export type GrantCreditsInput = z.infer<typeof grantCreditsInputSchema>;

const capabilitySchema = z.strictObject({
  domain: z.enum(["ai", "operator"]),
  can: z
    .array(z.enum(["READ", "PROMPT", "TRANSCRIBE", "CREATE", "UPDATE", "DELETE", "*"]))
    .min(1)
    .max(7),
});

export const nativeKeySchema = z.object({
  id: nativeIdSchema,
  secretTail: z.string().describe("The last characters of the secret, to distinguish keys."),
  accountId: z.string(),
  name: z.string(),
  capabilities: z.array(z.object({ domain: z.string(), pointers: z.array(z.string()), can: z.array(z.string()) })),
  createdAtMs: wholeMilliseconds,
  expiresAtMs: wholeMilliseconds.nullable(),
  revokedAtMs: wholeMilliseconds.nullable(),
});
export type NativeKey = z.infer<typeof nativeKeySchema>;

export const listKeysInputSchema = z.strictObject({ accountId: accountIdSchema.optional(), limit });
export type ListKeysInput = z.infer<typeof listKeysInputSchema>;

export const createKeyInputSchema = z.strictObject({
  accountId: accountIdSchema,
  name: z.string().min(1).max(200),
  capabilities: z.array(capabilitySchema).min(1).max(2),
  expiresAtMs: wholeMilliseconds.optional().describe("Default: never."),
});
export type CreateKeyInput = z.infer<typeof createKeyInputSchema>;

export const createdKeySchema = z.object({
  key: nativeKeySchema,
  secret: z.string().describe("Shown this once."),
});
export type CreatedKey = z.infer<typeof createdKeySchema>;
