/** What may be asked for on the control channel, by whom. JSON both ways. */
import { Hono } from "hono";
import * as v from "valibot";
import type { AuditLog } from "./audit.ts";
import type { Challenges } from "./challenges.ts";
import type { Configuration } from "./configuration.ts";
import { overridesSchema } from "./overrides.ts";
import type { Peer } from "./peer.ts";
import { Refusal } from "./refusal.ts";
import { whyNotApplied } from "./state.ts";
import { hashOf, versionHeadSchema, versionNumber, versionSchema } from "./version.ts";

/** The field that bears the challenge of a change. */
export const CHALLENGE = "dlba-challenge";

/** Who asks, and from where. */
export interface Caller {
  readonly peer: Peer;
  readonly from: string;
}

interface Env {
  readonly Bindings: Caller;
}

const { author: _, ...pushed } = versionSchema.entries;
const stageSchema = v.strictObject({ base: versionNumber, version: v.strictObject(pushed) });
const commitSchema = v.pick(versionHeadSchema, ["number", "hash"]);
const abortSchema = v.strictObject({ number: versionNumber });

export function controlApp(configuration: Configuration, challenges: Challenges, audit: AuditLog): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/state", (context) => context.json(configuration.state()));
  app.get("/versions", (context) => context.json(configuration.history()));
  app.get("/versions/:number{[0-9]{1,15}}", (context) => {
    return context.json(configuration.read(Number(context.req.param("number"))));
  });
  app.get("/overrides", (context) => context.json(configuration.overrides));
  app.post("/challenge", (context) => context.json({ challenge: challenges.give(context.env.peer.fingerprint) }));

  /** A change: an operator's alone, once, and in the audit log whatever comes of it. */
  const change = <T>(
    path: string,
    schema: v.GenericSchema<unknown, T>,
    make: (order: T, by: Peer) => Promise<Made>,
  ) => {
    app.post(path, async (context) => {
      const { peer } = context.env;
      if (peer.role !== "operator") {
        throw new Refusal(403, `${peer.name} is a ${peer.role}: only operators change anything`);
      }
      challenges.spend(context.req.header(CHALLENGE) ?? null, peer.fingerprint);
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), await context.req.text());
      if (!parsed.success) throw new Refusal(400, `a body that is no order: ${parsed.issues[0].message}`);
      const { detail, answer, failure } = await make(parsed.output as T, peer);
      audit.write({
        action: path.slice(1),
        outcome: failure === undefined ? "done" : "failed",
        who: peer.name,
        from: context.env.from,
        detail: failure === undefined ? detail : `${detail}: ${failure}`,
      });
      return context.json(answer);
    });
  };

  change("/stage", stageSchema, ({ base, version }, { name }) => {
    if (hashOf(version.text) !== version.hash) {
      throw new Refusal(400, "a text that does not have the hash that is said");
    }
    configuration.stage({ ...version, author: name }, base);
    return Promise.resolve({ detail: `version ${version.number} ${version.hash}`, answer: {} });
  });
  change("/commit", commitSchema, async (head) => {
    const roles = await configuration.commit(head);
    return { detail: `version ${head.number} ${head.hash}`, answer: { roles }, failure: whyNotApplied(roles) };
  });
  change("/abort", abortSchema, ({ number }) => {
    configuration.abort(number);
    return Promise.resolve({ detail: `version ${number}`, answer: {} });
  });
  change("/overrides", overridesSchema, async ({ revision, entries }, { name }) => {
    // Who says it first is its author: the certificate tells.
    const overrides = { revision, entries: entries.map((one) => one.author === "" ? { ...one, author: name } : one) };
    const roles = await configuration.replaceOverrides(overrides);
    if (!roles) throw new Refusal(409, `overrides of revision ${configuration.overrides.revision} are in force here`);
    return { detail: JSON.stringify(overrides), answer: { roles }, failure: whyNotApplied(roles) };
  });

  app.notFound(() => {
    throw new Refusal(404, "no such question");
  });
  app.onError((error) => {
    throw error;
  });
  return app;
}

interface Made {
  /** For the audit log. */
  readonly detail: string;
  readonly answer: unknown;
  readonly failure?: string | undefined;
}
