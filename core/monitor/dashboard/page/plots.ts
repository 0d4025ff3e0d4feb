/** The last hour as curves, moving on with each second. */
import { Component, createRef } from "preact";
import uPlot from "uplot";
import type { HourReport } from "../../../status/hour.ts";
import { short } from "../../screen/figures.ts";
import { html } from "./html.ts";

interface Props {
  readonly title: string;
  readonly hour: HourReport;
  readonly pick: (hour: HourReport) => readonly number[];
}

const HEIGHT = 160;

export class Plot extends Component<Props> {
  #place = createRef<HTMLDivElement>();
  #plot: uPlot | undefined;
  #resize = () => this.#plot?.setSize({ width: this.#width, height: HEIGHT });
  #recolour = () => this.#build();
  #dark = matchMedia("(prefers-color-scheme: dark)");

  get #width(): number {
    return Math.max(200, this.#place.current!.clientWidth);
  }

  override componentDidMount() {
    this.#build();
    addEventListener("resize", this.#resize);
    this.#dark.addEventListener("change", this.#recolour);
  }

  override componentDidUpdate() {
    this.#plot?.setData(this.#data());
  }

  override componentWillUnmount() {
    removeEventListener("resize", this.#resize);
    this.#dark.removeEventListener("change", this.#recolour);
    this.#plot?.destroy();
  }

  #data(): uPlot.AlignedData {
    const { hour, pick } = this.props, values = pick(hour);
    return [values.map((_, i) => hour.until - values.length + 1 + i), [...values]];
  }

  #build() {
    this.#plot?.destroy();
    // A canvas knows no variables of CSS.
    const style = getComputedStyle(this.#place.current!);
    const colour = (name: string) => this.#colour(style.getPropertyValue(name));
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line") },
    };
    this.#plot = new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max)] } },
        axes: [axis, { ...axis, size: 50, values: (_, ticks) => ticks.map(short) }],
        series: [{}, { stroke: colour("--accent"), width: 1.5, points: { show: false } }],
      },
      this.#data(),
      this.#place.current!,
    );
  }

  /** light-dark() is not worked out by getPropertyValue. */
  #colour(value: string): string {
    const probe = this.#place.current!;
    probe.style.color = value;
    const { color } = getComputedStyle(probe);
    probe.style.color = "";
    return color;
  }

  render() {
    const values = this.props.pick(this.props.hour);
    const now = short(values.at(-1) ?? 0), most = short(Math.max(0, ...values));
    return html`
      <div class="plot">
        <h3>${this.props.title}: ${now}, at most ${most} in the last hour</h3>
        <div ref=${this.#place} aria-hidden="true"></div>
      </div>
    `;
  }
}
