/** Our model and error types against those of the official SDK, in both directions. */
import type { ErrorObject as SdkError } from "openai/resources/shared";
import type { Model as SdkModel } from "openai/resources/models";
import type { ErrorObject } from "../shared/error.ts";
import type { Assert, AssignableBut } from "../shared/type-check.ts";
import type { Model } from "./model.ts";

interface ErrorGaps {
  readonly misalignment: "Only OpenAI's own safety system reports it; an unknown key passes.";
}

export type Tests = [
  Assert<AssignableBut<{}, Model, SdkModel>>,
  Assert<AssignableBut<{}, SdkModel, Model>>,
  Assert<AssignableBut<{ [Key in keyof ErrorGaps]: ErrorGaps[Key] }, ErrorObject, SdkError>>,
  Assert<AssignableBut<{ [Key in keyof ErrorGaps]: ErrorGaps[Key] }, SdkError, ErrorObject>>,
];
