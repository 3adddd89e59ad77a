/** The entry of the process of one native model, which the server starts with `startNativeProcess`. */

import { NATIVE_KINDS } from "./native-kinds.ts";
import { runNativeChild } from "./run-native-child.ts";

runNativeChild(NATIVE_KINDS);
