/** Flags and arguments that the subcommands of `dlba config` share. */
import { asFlag, configFlag, jsonFlag } from "../flags.ts";

export interface Flags {
  readonly config: string;
  readonly as?: string;
  readonly json: boolean;
}

export const flags = {
  config: { ...configFlag, brief: "Names the nodes, and where the certificates are" },
  as: asFlag,
  json: jsonFlag,
} as const;

export const number = {
  brief: "Number of a version; 0 is the nodes' own file",
  placeholder: "N",
  parse(input: string): number {
    if (!/^[0-9]{1,15}$/.test(input)) throw new SyntaxError(`${input} is not the number of a version`);
    return Number(input);
  },
} as const;
