/** An overview of a scheduler that has something of everything. */
import type { Overview } from "../../core/status/tables.ts";
import { overviewOf } from "../monitor/overviews.ts";

export const FULL: Overview = {
  ...overviewOf({ nodes: 3, backEnds: 4, states: { 1: "failed" } }, 0, 7),
  last_sweep: { ended: "2026-11-24T12:00:00Z", age_s: 0.4, took_ms: 12, asked: 2, answered: 1, held: [] },
  certificates: [{
    file: 'tls/"shop\\.crt',
    subject: "CN=shop.test",
    names: ["shop.test"],
    issuer: "CN=ca",
    key: "ECDSA P-256",
    fingerprint_sha256: "00",
    valid_from: "2026-01-01T00:00:00Z",
    valid_to: "2027-01-01T00:00:00Z",
    days_left: 40,
    processes: 2,
  }],
  speederize: { to_cdn: true, requests_per_second: 12, mode: "auto", chosen: 3, withdrawn: 1 },
};
