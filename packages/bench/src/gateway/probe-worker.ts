/** Loaded before a program that knows nothing of benchmarks, so that its CPU time and memory can be asked for. */

import { serveCalls } from "../worker.ts";

serveCalls({});
