/** What a node says of itself on the control channel. */
import * as v from "valibot";
import { versionHeadSchema, versionNumber } from "./version.ts";

/** What a role process has made of the last change: `reload/ROLE.json` in the run folder, which it replaces by rename. */
export const roleReportSchema = v.object({
  /** The version that it was last told of: it runs that, or says why not. */
  version: versionNumber,
  /** SHA-256 of its text. */
  hash: v.string(),
  ok: v.boolean(),
  error: v.optional(v.string()),
  /** Key paths whose change waits for a restart. */
  needsRestart: v.optional(v.array(v.string())),
});

export const namedRoleReportSchema = v.object({ role: v.string(), ...roleReportSchema.entries });

export const nodeStateSchema = v.object({
  node: v.string(),
  array: v.string(),
  /** The version in force; number 0: its own config file. */
  version: versionHeadSchema,
  staged: v.nullable(versionHeadSchema),
  overrides: v.object({ revision: versionNumber, hash: v.string() }),
  roles: v.array(namedRoleReportSchema),
});

export const outcomeSchema = v.object({ roles: v.array(namedRoleReportSchema) });

export type RoleReport = v.InferOutput<typeof namedRoleReportSchema>;
export type NodeState = v.InferOutput<typeof nodeStateSchema>;

/** Why the roles have not taken up a change; undefined when all have. */
export function whyNotApplied(roles: readonly RoleReport[]): string | undefined {
  const failed = roles.filter(({ ok }) => !ok);
  return failed.length === 0 ? undefined : failed.map(({ role, error }) => `${role}: ${error ?? "failed"}`).join("; ");
}
