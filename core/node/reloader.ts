/**
 * Makes the roles take up a changed configuration: SIGHUP tells them that `dlba.yaml`, `version.json` or `overrides.json` in the run folder
 * is new; each says in `reload/ROLE.json`, by rename, what it made of it.
 */
import * as v from "valibot";
import { delay } from "../delay.ts";
import { type RoleReport, roleReportSchema } from "../push/state.ts";
import type { VersionHead } from "../push/version.ts";

/** A role has so long to take a change up, ms: one that is just being started takes a second or two. */
const RELOAD_MS = 15_000;
const LOOK_MS = 20;

/** Of a supervisor. */
export interface Roles {
  readonly roles: readonly string[];
  hangUp(): void;
}

export class Reloader {
  #folder: string;

  /** @param dir the run folder */
  constructor(dir: string, readonly supervisor: Roles, readonly timeoutMs = RELOAD_MS) {
    this.#folder = `${dir}/reload`;
    Deno.mkdirSync(this.#folder, { recursive: true });
    // What was said of an earlier life.
    for (const { name } of Deno.readDirSync(this.#folder)) Deno.removeSync(`${this.#folder}/${name}`);
  }

  /** Resolves to what each role says of the version, once all have said so or are too late. */
  async reload({ number, hash }: VersionHead): Promise<RoleReport[]> {
    const { roles } = this.supervisor;
    // What they said of the last change is not to be taken for an answer.
    for (const role of roles) removeIfThere(this.#path(role));
    this.supervisor.hangUp();
    const until = performance.now() + this.timeoutMs;
    while (true) {
      const reports = roles.map((role) => this.#report(role));
      const waiting = reports.some((report) => report?.version !== number || report.hash !== hash);
      if (!waiting || performance.now() > until) {
        const late = `it did not say within ${this.timeoutMs} ms that it runs version ${number}`;
        return roles.map((role, i) => {
          const report = reports[i];
          return report?.version === number && report.hash === hash ? report : {
            role,
            version: report?.version ?? 0,
            hash: report?.hash ?? "",
            ok: false,
            error: report?.error ?? late,
          };
        });
      }
      await delay(LOOK_MS);
    }
  }

  /** What the roles said last; nothing of those that have not said anything. */
  reports(): RoleReport[] {
    return this.supervisor.roles.flatMap((role) => this.#report(role) ?? []);
  }

  #report(role: string): RoleReport | undefined {
    try {
      const text = Deno.readTextFileSync(this.#path(role));
      return { role, ...v.parse(v.pipe(v.string(), v.parseJson(), roleReportSchema), text) };
    } catch {
      return undefined;
    }
  }

  /** `serve 0` says it in `serve-0.json`. */
  #path(role: string): string {
    return `${this.#folder}/${role.replaceAll(" ", "-")}.json`;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
