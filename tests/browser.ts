/** A headless Chromium that a test steers by the DevTools protocol over two pipes, so that it may run in a namespace. */
import { delay } from "../core/delay.ts";

const WAIT_MS = 30_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
}

export class Browser implements AsyncDisposable {
  /** What the page wrote to its console as an error, exceptions, and loads that failed. */
  readonly errors: string[] = [];
  /** URLs of all that the page asked for. */
  readonly requests: string[] = [];
  #dir: string;
  #child: Deno.ChildProcess;
  #orders: Deno.FsFile;
  #answers: Deno.FsFile;
  #reading: Promise<void>;
  #last = 0;
  #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #session: string | undefined;
  #isClosing = false;

  private constructor(dir: string, child: Deno.ChildProcess, orders: Deno.FsFile, answers: Deno.FsFile) {
    this.#dir = dir;
    this.#child = child;
    this.#orders = orders;
    this.#answers = answers;
    this.#reading = this.#read();
  }

  /** @param wrapper command line that runs another in its place, as in a host of the laboratory */
  static async start(
    wrapper: (command: readonly string[]) => readonly string[] = (command) => command,
  ): Promise<Browser> {
    const dir = await Deno.makeTempDir();
    for (const name of ["orders", "answers"]) await new Deno.Command("mkfifo", { args: [`${dir}/${name}`] }).output();
    const [program, ...args] = wrapper([
      "sh",
      "-c",
      'dir=$1; shift; exec "$@" 3<>"$dir/orders" 4<>"$dir/answers" >"$dir/log" 2>&1',
      "sh",
      dir,
      "chromium",
      "--headless",
      // As root it has no sandbox; what it loads is ours.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--remote-debugging-pipe",
      `--user-data-dir=${dir}/profile`,
      "about:blank",
    ]);
    const child = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    const orders = await Deno.open(`${dir}/orders`, { read: true, write: true });
    const answers = await Deno.open(`${dir}/answers`, { read: true, write: true });
    const browser = new Browser(dir, child, orders, answers);
    const { targetInfos } = await browser.#order("Target.getTargets");
    const page = (targetInfos as { targetId: string; type: string }[]).find(({ type }) => type === "page")!;
    const { sessionId } = await browser.#order("Target.attachToTarget", { targetId: page.targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await browser.#order(`${domain}.enable`);
    return browser;
  }

  async #order(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#last, answer = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, answer);
    const text = JSON.stringify({ id, method, params, ...(this.#session ? { sessionId: this.#session } : {}) });
    const bytes = new TextEncoder().encode(`${text}\0`);
    for (let at = 0; at < bytes.length;) at += await this.#orders.write(bytes.subarray(at));
    const late = setTimeout(() => answer.reject(new Error(`No answer to ${method}\n${this.#log()}`)), WAIT_MS);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
    }
  }

  #log(): string {
    return Deno.readTextFileSync(`${this.#dir}/log`);
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(1 << 16), decoder = new TextDecoder();
    let text = "";
    for (let count = await this.#answers.read(bytes); count !== null; count = await this.#answers.read(bytes)) {
      text += decoder.decode(bytes.subarray(0, count), { stream: true });
      const messages = text.split("\0");
      text = messages.pop()!;
      for (const message of messages) {
        if (message === "end") return;
        if (!this.#isClosing) this.#take(JSON.parse(message));
      }
    }
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      if (error) this.#waiting.get(id)?.reject(new Error(error.message));
      else this.#waiting.get(id)?.resolve(result ?? {});
      return;
    }
    // deno-lint-ignore no-explicit-any -- the protocol's own shapes
    const told = params as any;
    if (method === "Network.requestWillBeSent") this.requests.push(told.request.url);
    if (method === "Runtime.exceptionThrown") {
      this.errors.push(told.exceptionDetails.exception?.description ?? "exception");
    }
    if (method === "Log.entryAdded" && told.entry.level === "error") {
      this.errors.push(`${told.entry.text} ${told.entry.url ?? ""}`);
    }
    if (method === "Runtime.consoleAPICalled" && told.type === "error") this.errors.push(JSON.stringify(told.args));
  }

  async open(url: string, { width, height, dark = false }: Look): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.#order("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    });
    await this.#order("Emulation.setEmulatedMedia", { features });
    await this.#order("Page.navigate", { url });
  }

  /** The value of an expression, or of the promise that it gives. Throws Error with what it threw. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#order("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    // deno-lint-ignore no-explicit-any -- the protocol's own shapes
    const { result, exceptionDetails } = answer as any;
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Resolves once the expression is true. Throws Error, with the page's text, where it is not in time. */
  async until(expression: string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!await this.evaluate<boolean>(`Boolean(${expression})`)) {
      if (performance.now() > deadline) {
        throw new Error(
          `Never ${expression}\n${await this.evaluate("document.body.innerText")}\n${this.errors.join("\n")}`,
        );
      }
      await delay(50);
    }
  }

  /** A picture of the whole page, PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.#order("Page.captureScreenshot", { captureBeyondViewport: true });
    return Uint8Array.fromBase64(data as string);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session) await this.#order("Browser.close").catch(() => this.#child.kill("SIGKILL"));
    await this.#child.status;
    this.#isClosing = true;
    // The reader waits at a pipe that this process holds open itself, and keeps that file to itself.
    await Deno.writeTextFile(`${this.#dir}/answers`, "\0end\0");
    await this.#reading;
    this.#orders.close();
    this.#answers.close();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
