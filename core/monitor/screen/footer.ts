/** The last line: what is asked, what came of a key, or the keys. Pure. */
import type { Change, Ui } from "../ui.ts";
import { fit, harmless, type Line, line, span } from "./line.ts";
import type { Frame } from "./sections.ts";

export function footer({ prompt, notice, filter }: Ui, { columns, mayChange }: Frame): Line {
  if (prompt?.kind === "filter") return fit([span("/", "bold"), span(prompt.text), span(" ", "selected")], columns);
  if (prompt?.kind === "weight") {
    return fit(
      [span(`weight of ${harmless(prompt.of.name)}: `, "bold"), span(prompt.text), span(" ", "selected")],
      columns,
    );
  }
  if (prompt) return fit(line(`${changeText(prompt.change)}? y does it, any other key does not`, "warning"), columns);
  if (notice !== "") return fit(line(harmless(notice), "warning"), columns);
  const keys = mayChange === true ? "d drain  e enable  x disable  w weight  " : "";
  const shown = filter === "" ? "" : `/${filter}  esc all  `;
  return fit(line(`? help  q quit  s sort  / filter  ${shown}${keys}`, "dim"), columns);
}

/** As the command line has it. */
export function changeText({ what, name, value }: Change): string {
  return `${what} ${harmless(name)}${value === undefined ? "" : ` ${value}`}`;
}
