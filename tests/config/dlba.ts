/** Runs `dlba` as an operator does. */
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function dlba(...args: readonly string[]): Promise<Output> {
  return run(Deno.execPath(), ["run", "-A", "--no-check", MAIN, ...args]);
}

export async function run(program: string, args: readonly string[], cwd?: string): Promise<Output> {
  const output = await new Deno.Command(program, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code: output.code, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
}
