/** What is asked for at a click or now and then: the way of a client's frames, and what moves to the CDN. */
import { Component } from "preact";
import type { Trace } from "../../../scheduler/trace.ts";
import type { SpeedReport } from "../../../speederize/report.ts";
import { short } from "../../screen/figures.ts";
import { html } from "./html.ts";

interface Answer {
  readonly answer: Trace | { readonly error: string } | undefined;
}

/** `dlba trace`. */
export class TracePanel extends Component<Record<never, never>, Answer> {
  override state: Answer = { answer: undefined };

  #ask = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const query = new URLSearchParams({ client: String(form.get("client")), port: String(form.get("port")) });
    this.setState({ answer: await json<Trace>(`/trace?${query}`) });
  };

  render() {
    const { answer } = this.state;
    return html`
      <section>
        <h2>Where do a client's frames go?</h2>
        <form onSubmit=${this.#ask}>
          <label>Address<input name="client" required size="24" placeholder="198.51.100.7" /></label>
          <label>Port<input name="port" required size="6" inputmode="numeric" pattern="[0-9]{1,5}" placeholder="40000" /></label>
          <button>Trace</button>
        </form>
        <p aria-live="polite">${answer && ("error" in answer ? answer.error : traceText(answer))}</p>
      </section>
    `;
  }
}

function traceText({ bucket, node, age_s, opening_goes_to, other_goes_to, why }: Trace): string {
  const age = age_s === null ? "never hit" : `last hit ${age_s} s ago`;
  return `Bucket ${bucket}, node ${node ?? "none"}, ${age}. A frame that opens a connection goes to ${
    opening_goes_to ?? "nobody"
  }, another to ${other_goes_to ?? "nobody"}, because ${why}.`;
}

interface Reported {
  readonly report: SpeedReport | undefined;
}

/** The report changes with each window of the advisor, ms. */
const REPORT_MS = 10_000;
const SHOWN = 20;

/** `dlba speed report` of this node; nothing where nothing is speederized. */
export class SpeedPanel extends Component<Record<never, never>, Reported> {
  override state: Reported = { report: undefined };
  #timer: ReturnType<typeof setInterval> | undefined;

  override componentDidMount() {
    const ask = async () => {
      const report = await json<SpeedReport | null>("/speed");
      if (report && !("error" in report)) this.setState({ report });
    };
    void ask();
    this.#timer = setInterval(ask, REPORT_MS);
  }

  override componentWillUnmount() {
    clearInterval(this.#timer);
  }

  render() {
    const { report } = this.state;
    if (!report) return null;
    const { mode, decisions, advice, saved_bytes, window_seconds, rewritten, cache, node } = report;
    return html`<section>
      <h2>Speederize</h2>
      <p>Node ${node}: advisor ${mode}; ${decisions.toCdn ? "content moves to the CDN" : "content stays local"}. ${
      short(rewritten)
    } responses
        rewritten; ${short(saved_bytes)}B saved in the last ${window_seconds} s; page cache ${short(cache.bytes)}B,
        ${short(cache.hits)} hits, ${short(cache.misses)} misses.</p>
      ${
      advice.length > 0 && html`
        <div class="scroll" tabindex="0" role="region" aria-label="Paths by what they save">
          <table>
            <caption>Paths by what they save</caption>
            <thead>
              <tr>
                <th scope="col">path</th>
                <th scope="col">moves</th>
                <th scope="col" class="number">saves</th>
                <th scope="col" class="number">hits</th>
                <th scope="col">why</th>
              </tr>
            </thead>
            <tbody>${advice.slice(0, SHOWN).map(({ path, isChosen, score, hits, reason }) =>
              html`
                <tr key=${path}>
                  <td>${path}</td>
                  <td>${isChosen ? "yes" : "no"}</td>
                  <td class="number">${short(score)}B</td>
                  <td class="number">${short(hits)}</td>
                  <td>${reason}</td>
                </tr>
              `
            )}
                  </tbody>
          </table>
        </div>
      `
    }
    </section>`;
  }
}

async function json<T>(path: string): Promise<T | { readonly error: string }> {
  try {
    const response = await fetch(path);
    return await response.json();
  } catch {
    return { error: "this node does not answer" };
  }
}
