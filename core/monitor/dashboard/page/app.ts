/** The dashboard: it shows what the node sends it each second, and asks for nothing else by itself but the speed report. */
import { Component, render } from "preact";
import type { HourReport } from "../../../status/hour.ts";
import type { ArrayView } from "../../array_view.ts";
import { short } from "../../screen/figures.ts";
import { html } from "./html.ts";
import { SpeedPanel, TracePanel } from "./panels.ts";
import { pentaflow } from "./pentaflow.ts";
import { Plot } from "./plots.ts";
import { backEndTable, nodeTable } from "./tables.ts";

interface State {
  readonly view: ArrayView | undefined;
  readonly hour: HourReport | undefined;
  readonly isLost: boolean;
}

const HOUR = 3600;
/** A view comes every second, ms. */
const LOST_MS = 5_000;

class Dashboard extends Component<Record<never, never>, State> {
  override state: State = { view: undefined, hour: undefined, isLost: false };

  #heard = performance.now();

  override componentDidMount() {
    const source = new EventSource("/watch");
    source.addEventListener("hour", ({ data }) => this.setState({ hour: JSON.parse(data) }));
    source.addEventListener("view", ({ data }) => this.#show(JSON.parse(data)));
    // The browser comes again by itself; of a machine that vanished it hears nothing.
    source.addEventListener("error", () => this.setState({ isLost: true }));
    setInterval(() => this.setState({ isLost: performance.now() - this.#heard > LOST_MS }), LOST_MS / 2);
  }

  #show(view: ArrayView) {
    this.#heard = performance.now();
    document.title = `${view.array}: ${short(view.requests_per_second)} requests/s`;
    const { hour } = this.state;
    this.setState({ view, isLost: false, hour: hour && movedOn(hour, view) });
  }

  render() {
    const { view, hour, isLost } = this.state;
    const lost = isLost &&
      html`<section class="notice" role="alert">This node does not answer: what is shown is of the past.</section>`;
    if (!view) return html`<main>${lost}<p class="wait" role="status">Waiting for the array</p></main>`;
    return html`
      <header>
        <h1>${view.array}</h1>
        <p>VIP <b>${view.vip}</b></p>
        <p>scheduler <b class=${view.scheduler === null ? "error" : ""}>${view.scheduler ?? "not known"}</b></p>
        <p>epoch <b>${view.epoch}</b></p>
        ${view.buckets && html`<p>engine <b>${view.buckets.engine}</b></p>`}
      </header>
      <main>
        ${lost}
        <dl class="figures">
          ${figure("requests/s", view.requests_per_second)}
          ${figure("open connections", view.open_connections)}
          ${figure("own answers/s", view.own_answers_per_second)}
          ${figure("frames/s", view.buckets?.frames_per_second ?? 0)}
          ${figure("buckets assigned", view.buckets?.assigned ?? 0)}
        </dl>
        <section><h2>Pentaflow</h2><div class="scroll" tabindex="0" role="region" aria-label="Pentaflow">${pentaflow(
          view,
        )}</div></section>
        ${hour && html`
          <section>
            <h2>The last hour</h2>
            <div class="plots">
              <${Plot} title="requests/s" hour=${hour} pick=${(hour: HourReport) => hour.requests} />
              <${Plot} title="open connections" hour=${hour} pick=${(hour: HourReport) => hour.open} />
              <${Plot} title="own answers/s" hour=${hour} pick=${(hour: HourReport) => hour.own_answers} />
            </div>
          </section>
        `}
        <section>${nodeTable(view)}</section>
        <section>${backEndTable(view)}</section>
        ${events(view)}
        <${SpeedPanel} />
        <${TracePanel} />
      </main>
    `;
  }
}

function figure(name: string, value: number) {
  return html`
    <div>
      <dt>${name}</dt>
      <dd>${short(value)}</dd>
    </div>
  `;
}

function events({ events }: ArrayView) {
  return html`<section>
    <h2 id="events">Events</h2>
    ${events.length === 0 && html`<p class="quiet">Nothing happened since the nodes started to look.</p>`}
    <ol class="events" tabindex="0" aria-labelledby="events">
      ${
    events.slice().reverse().map(({ time, level, text, node }) =>
      html`
        <li
          key=${time + text}><time class="quiet" datetime=${time}>${time.slice(0, 19).replace(
            "T",
            " ",
          )}</time> <span class=${level}>${text}</span> <span class="quiet">(${node})</span></li>
      `
    )
  }
    </ol>
  </section>`;
}

/** A second has passed: the curves get its value. */
function movedOn(hour: HourReport, view: ArrayView): HourReport {
  const now = Math.floor(Date.now() / 1000);
  if (now <= hour.until) return hour;
  const passed = Math.min(HOUR, now - hour.until);
  const column = (values: readonly number[], value: number) => [...values, ...Array(passed).fill(value)].slice(-HOUR);
  return {
    until: now,
    requests: column(hour.requests, view.requests_per_second),
    own_answers: column(hour.own_answers, view.own_answers_per_second),
    open: column(hour.open, view.open_connections),
  };
}

const place = document.getElementById("app")!;
place.textContent = "";
render(html`<${Dashboard} />`, place);
