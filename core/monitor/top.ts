/** `dlba top`: polls the array and shows it, until the person has seen enough. */
import { delay } from "../delay.ts";
import { Failure } from "../errors.ts";
import { fetchOverview } from "../status/fetch.ts";
import type { StatusPort } from "../status/status_client.ts";
import { type ArrayView, arrayView } from "./array_view.ts";
import { Poller } from "./poller.ts";
import { changeText } from "./screen/footer.ts";
import { ASCII, BLOCKS, type Glyphs } from "./screen/figures.ts";
import { screen } from "./screen/screen.ts";
import { printed, Terminal } from "./terminal.ts";
import { type Change, FIRST_UI, press, type Ui } from "./ui.ts";

export interface TopOptions {
  /** Asked first; the nodes that they name are asked too. */
  readonly ports: readonly StatusPort[];
  readonly intervalMs: number;
  /** Makes a change and says what came of it; or the words why nothing can be changed. */
  readonly change: ((change: Change) => Promise<string>) | string;
}

/** A node that missed two answers in a row is stale, with half an interval for their way. */
const STALE_INTERVALS = 2.5;
/** Seconds of the sparkline: the widest screen that it fills. */
const HISTORY = 400;

class Watch {
  readonly poller: Poller;
  readonly history: number[] = [];
  #staleMs: number;

  constructor({ ports, intervalMs }: TopOptions, stop: AbortSignal) {
    this.poller = new Poller(fetchOverview, intervalMs, stop);
    this.#staleMs = intervalMs * STALE_INTERVALS;
    for (const port of ports) this.poller.begin(port);
  }

  /** Undefined until a node answered. */
  look(): ArrayView | undefined {
    const { looks } = this.poller;
    return looks.size > 0 ? arrayView(looks, performance.now(), this.#staleMs) : undefined;
  }

  record(view: ArrayView): void {
    this.history.push(view.requests_per_second);
    if (this.history.length > HISTORY) this.history.shift();
  }
}

/** One look with the rates of an interval. Throws {@linkcode Failure} where no node answers. */
export async function lookOnce(options: TopOptions): Promise<ArrayView> {
  const stop = new AbortController();
  try {
    const watch = new Watch(options, stop.signal);
    await watch.poller.settled();
    if (watch.look()) await delay(options.intervalMs * 1.5);
    const view = watch.look();
    if (view) return view;
    throw new Failure(`No node answers: ${asked(options)}: is dlba node running there?`);
  } finally {
    stop.abort();
  }
}

/** The look as a screen without a terminal: as high as it needs. */
export function onceText(view: ArrayView, { change }: TopOptions, columns: number): string {
  const rows = Math.max(24, view.nodes.length + view.back_ends.length + Math.min(8, view.events.length) + 12);
  const frame = { columns, rows, glyphs: glyphs(), mayChange: mayChange(change) };
  const watched = { view, history: [view.requests_per_second], now: Date.now(), asked: "" };
  return printed(screen(watched, FIRST_UI, frame).slice(0, -1)).trimEnd();
}

/** Full screen, until q. */
export async function runTop(options: TopOptions, hasColour: boolean): Promise<void> {
  const stop = new AbortController(), terminal = new Terminal(hasColour), watch = new Watch(options, stop.signal);
  const may = mayChange(options.change);
  let ui: Ui = FIRST_UI, view: ArrayView | undefined;
  const draw = () => {
    const frame = { ...Terminal.size(), glyphs: glyphs(), mayChange: may };
    const { history } = watch;
    terminal.draw(screen({ view, history, now: Date.now(), asked: asked(options) }, ui, frame));
  };
  const end = () => stop.abort();
  const resumed = () => {
    terminal.enter();
    draw();
  };
  for (const signal of ENDS) Deno.addSignalListener(signal, end);
  Deno.addSignalListener("SIGWINCH", draw);
  Deno.addSignalListener("SIGCONT", resumed);
  const obey = async () => {
    for await (const key of terminal.keys()) {
      const pressed = press(ui, key, view ?? NOTHING, view ? may : "no node answers yet");
      ui = pressed.ui;
      if (pressed.effect === "quit") break;
      if (pressed.effect === "suspend") {
        terminal.leave();
        Deno.kill(Deno.pid, "SIGSTOP");
      } else if (typeof pressed.effect === "object" && typeof options.change === "function") {
        const { effect } = pressed;
        ui = { ...ui, notice: `${changeText(effect)} ...` };
        void options.change(effect).then((what) => what, (error) => reason(error)).then((notice) => {
          ui = { ...ui, notice };
          draw();
        });
      }
      draw();
    }
    end();
  };
  terminal.enter();
  try {
    draw();
    const obeying = obey();
    await Promise.race([watch.poller.settled(), obeying, delay(options.intervalMs, stop.signal)]);
    while (!stop.signal.aborted) {
      const seen = watch.look();
      if (seen) watch.record(seen);
      if (!ui.isPaused) view = seen;
      draw();
      await delay(options.intervalMs, stop.signal);
    }
  } finally {
    terminal.leave();
    end();
    for (const signal of ENDS) Deno.removeSignalListener(signal, end);
    Deno.removeSignalListener("SIGWINCH", draw);
    Deno.removeSignalListener("SIGCONT", resumed);
  }
}

const ENDS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

const NOTHING: ArrayView = {
  array: "",
  vip: "",
  epoch: 0,
  scheduler: null,
  requests_per_second: 0,
  own_answers_per_second: 0,
  open_connections: 0,
  nodes: [],
  back_ends: [],
  buckets: null,
  events: [],
};

function mayChange(change: TopOptions["change"]): true | string {
  return typeof change === "string" ? change : true;
}

function asked({ ports }: TopOptions): string {
  return ports.map(({ address, port }) => `${address.includes(":") ? `[${address}]` : address}:${port}`).join(", ");
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Blocks where the locale says UTF-8. */
function glyphs(): Glyphs {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LC_CTYPE") || Deno.env.get("LANG") || "";
  return /utf-?8/i.test(locale) ? BLOCKS : ASCII;
}
