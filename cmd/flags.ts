/** Flags that several subcommands share. */

/** Here and not with the other paths: whoever asks for help waits for no module that works on paths. */
const DEFAULT_CONFIG = "/etc/dlba/dlba.yaml";

const text = (input: string) => input;

export const configFlag = {
  kind: "parsed",
  parse: text,
  brief: "The array's config file",
  default: DEFAULT_CONFIG,
  placeholder: "FILE",
} as const;

export const nodeFlag = {
  kind: "parsed",
  parse: text,
  brief: "Which node of the config this machine is (default: the one whose address this machine has)",
  optional: true,
  placeholder: "NAME",
} as const;

export const jsonFlag = {
  kind: "boolean",
  brief: "Print JSON",
  default: false,
  withNegated: false,
} as const;

export const asFlag = {
  kind: "parsed",
  parse: text,
  brief:
    "By whose certificate: NAME in the people/ of the secrets folder, or a path without ending (default: operator, viewer)",
  optional: true,
  placeholder: "NAME",
} as const;

/** A flag that is off until it is given; its brief stands where it is used. */
export const offFlag = { kind: "boolean", default: false, withNegated: false } as const;
