/**
 * `deno task page`: the dashboard as one file, page.html, that is committed: users need no bundler, and a test builds it again to
 * see that it is the one of page/.
 */
const HERE = new URL(".", import.meta.url).pathname;

/** The page as text. Throws Error where the bundler fails. */
export async function buildPage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", `${HERE}page/app.ts`],
    cwd: HERE,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const read = (path: string) => Deno.readTextFileSync(path);
  const plotStyle = new URL(import.meta.resolve("npm:uplot@1.6.32/dist/uPlot.min.css"));
  const style = read(`${HERE}page/style.css`) + read(plotStyle.pathname);
  // Within a script element this would end it (HTML section 4.12.1.3).
  const script = new TextDecoder().decode(stdout).trim().replaceAll("</script", "<\\/script");
  return read(`${HERE}page/template.html`)
    .replace("/* STYLE */", () => style)
    .replace("/* SCRIPT */", () => script);
}

if (import.meta.main) await Deno.writeTextFile(`${HERE}page.html`, await buildPage());
