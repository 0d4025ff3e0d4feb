/** Which settings of a machine are to be changed, from what is recorded, what is wanted and what is there. */
import { type Change, sameSetting, type SetupRecord } from "./record.ts";
import type { Setting, Wanted } from "./setting.ts";
import { settingOf } from "./settings.ts";

/** A setting to be changed. */
export interface Move {
  readonly setting: Setting;
  readonly from: string;
  readonly to: string;
  /** What is to be recorded; absent where the original comes back. */
  readonly change?: Change;
}

/** Tells a setting's value now. */
export type Look = (setting: Setting) => string;

/** Takes back, last first, each change that is still there. What is gone is done: a reboot restores as well. */
export function movesBack(changes: readonly Change[], look: Look): Move[] {
  return changes.toReversed().flatMap(({ kind, of, before, after }) => {
    const setting = settingOf({ kind, of });
    const from = look(setting);
    const isOurs = setting.original === undefined ? from === after : from !== setting.original;
    return isOurs ? [{ setting, from, to: before }] : [];
  });
}

/** First takes back what is wanted no longer, then makes what is not so yet. */
export function movesTo(wanted: readonly Wanted[], { changes }: SetupRecord, look: Look): Move[] {
  const stale = changes.filter((change) => !wanted.some(({ setting }) => sameSetting(setting, change)));
  return [...movesBack(stale, look), ...wanted.flatMap(({ setting, value }) => moveTo(setting, value, changes, look))];
}

function moveTo(setting: Setting, value: string, changes: readonly Change[], look: Look): Move[] {
  const from = look(setting);
  if (from === value) return [];
  const { kind, of } = setting;
  const earlier = changes.find((change) => sameSetting(change, setting));
  // A value that somebody else set since is the one to be restored.
  const before = setting.original ?? (earlier?.after === from ? earlier.before : from);
  return [{ setting, from, to: value, change: { kind, of, before, after: value } }];
}

/** The record with the change, in the place of an earlier one of the same setting. */
export function recorded(record: SetupRecord, change: Change): SetupRecord {
  const { changes } = record;
  const isKnown = changes.some((other) => sameSetting(other, change));
  return {
    ...record,
    changes: isKnown ? changes.map((other) => sameSetting(other, change) ? change : other) : [...changes, change],
  };
}
