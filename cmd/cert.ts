import { buildRouteMap } from "@stricli/core";
import { csr } from "./cert/csr.ts";
import { operator, viewer } from "./cert/person.ts";
import { importCommand } from "./cert/import.ts";
import { selfSigned } from "./cert/self_signed.ts";
import { show } from "./cert/show.ts";

export const cert = buildRouteMap({
  routes: { "self-signed": selfSigned, csr, import: importCommand, show, operator, viewer },
  docs: { brief: "Make, import and show server certificates; make those of operators and viewers" },
});
