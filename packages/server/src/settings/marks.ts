/** What a setting says of itself beside its shape, for code that treats all settings alike. */

import { z } from "zod";

export interface SettingMarks {
  /** Its value is never shown, and a file that holds it is for its owner alone. */
  readonly isSecret?: true;
  /** Whether a text is a path, which starts at the folder of the file that it stands in. */
  readonly isPath?: (text: string) => boolean;
}

export const settingMarks = z.registry<SettingMarks>();

export const PATH: SettingMarks = { isPath: (text) => text !== "" };
export const SECRET: SettingMarks = { isSecret: true };
