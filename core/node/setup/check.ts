import type { Config, NodeConfig } from "../../config/schema.ts";
import { UsageError } from "../../errors.ts";
import { joiningOffloads } from "../../../ffi/offloads.ts";
import { GUARD_TABLE } from "./guard.ts";
import { runHere } from "./setup.ts";
import { hasVip } from "./steps.ts";

/** Throws UsageError, naming what is missing, unless `dlba setup-node --apply` was done on this machine. */
export function checkSetup(config: Config, node: NodeConfig): void {
  const missing = [
    ...(hasVip(runHere, config.array.vip) ? [] : [`the VIP ${config.array.vip} is not on lo`]),
    ...(runHere(["nft", "list", "table", "netdev", GUARD_TABLE]).ok ? [] : ["the kernel guard is missing"]),
    ...joiningOffloads(node.interface).map((offload) => `${offload} is on for ${node.interface}`),
  ];
  if (missing.length === 0) return;
  throw new UsageError(`This machine is not prepared: ${missing.join(", ")}. Run: dlba setup-node --apply`);
}
