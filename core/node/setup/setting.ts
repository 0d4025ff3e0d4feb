import { UsageError } from "../../errors.ts";
import type { Command, Machine, Tool } from "./machine.ts";

/**
 * One setting of a machine. Its values are words: what {@linkcode read} finds, {@linkcode command} brings back.
 */
export interface Setting {
  /** With {@linkcode of} the setting's identity in the state file. */
  readonly kind: "guard" | "sysctl" | "offload" | "vip" | "group";
  /** Which of its kind: a sysctl's key, a VIP. */
  readonly of: string;
  readonly name: string;
  readonly tool: Tool;
  /** Restored whatever was found, where the setting bears our name. */
  readonly original?: string;
  /** The value now; undefined where this process has no right to look. */
  read(machine: Machine): string | undefined;
  /** The command that makes it so. */
  command(value: string): Command;
  /** What an operator is told about a value that is not the wanted one. */
  finding(value: string): string;
}

/** A setting, and the value that the array wants. */
export interface Wanted {
  readonly setting: Setting;
  readonly value: string;
}

/** The value now. Throws UsageError where this process has no right to look. */
export function look(machine: Machine, setting: Setting): string {
  const value = setting.read(machine);
  if (value !== undefined) return value;
  throw new UsageError(
    `No right to look at the ${setting.name}: run as root or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN`,
  );
}
