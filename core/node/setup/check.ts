import type { Config, NodeConfig } from "../../config/schema.ts";
import { UsageError } from "../../errors.ts";
import { type Machine, requireTools, thisMachine } from "./machine.ts";
import { look } from "./setting.ts";
import { wantedSettings } from "./settings.ts";

/**
 * Throws UsageError, naming what is missing, unless this machine is prepared as `dlba setup-node --apply` with this config
 * would leave it; and where this process has no right to see that.
 */
export function checkSetup(config: Config, node: NodeConfig, machine: Machine = thisMachine): void {
  const wanted = wantedSettings(config, node);
  requireTools(machine, wanted.map(({ setting }) => setting.tool));
  const findings = wanted.flatMap(({ setting, value }) => {
    const now = look(machine, setting);
    return now === value ? [] : [setting.finding(now)];
  });
  if (findings.length === 0) return;
  throw new UsageError(`This machine is not prepared: ${findings.join(", ")}. Run: dlba setup-node --apply`);
}
