import { buildRouteMap } from "@stricli/core";
import { diff } from "./config/diff.ts";
import { history } from "./config/history.ts";
import { rollback } from "./config/rollback.ts";
import { show } from "./config/show.ts";
import { status } from "./config/status.ts";

export const config = buildRouteMap({
  routes: { history, show, diff, rollback, status },
  docs: { brief: "Versions of the configuration: which there are, what they say, who runs which" },
});
