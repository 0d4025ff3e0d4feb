/** What this process finds out for the proxy processes of its node: the state of back ends, and which nodes have failed. */
import { Mapping } from "../../ffi/mapping.ts";
import { BackEndWatch } from "../checks/back_end_watch.ts";
import { BackEndControl, backEndControlFile } from "../proxy/back_end_control.ts";
import { type ServingWatchParts, watchServing } from "./serving.ts";

export class ForProxies {
  #last: { readonly control: BackEndControl; readonly mapping: Mapping } | undefined;

  constructor(readonly dir: string, readonly configFile: string, readonly log: (line: string) => void) {}

  /** Runs until the signal aborts; what was found out under another config still holds of back ends that stay. */
  async run(parts: Omit<ServingWatchParts, "control">, stop: AbortSignal): Promise<void> {
    const { config } = parts;
    const { configFile, log } = this;
    const mapping = Mapping.create(`${this.dir}/${backEndControlFile(config)}`, BackEndControl.bytes(config));
    const control = new BackEndControl(mapping.buffer, config);
    control.begin(this.#last?.control);
    this.close();
    this.#last = { control, mapping };
    await Promise.all([
      new BackEndWatch({ config, configFile, control, log }).run(stop),
      watchServing({ ...parts, control }, stop),
    ]);
  }

  close(): void {
    this.#last?.mapping.close();
    this.#last = undefined;
  }
}
