import { randomUUID } from "node:crypto";
import { inWords } from "../../rollback/decide.ts";
import type { CheckResult } from "../report/evidence.ts";
import { check, eventually } from "./check.ts";
import { isIn, query } from "./database.ts";
import { entryOf } from "./gateway.ts";
import { fetchFrom } from "./https-client.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** The page a visitor gets says which release made it. */
export function pageShowsRelease(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const { version } = subject.release;
  return check({ name: "Frontend page shows the release", region: region.name }, async () => {
    const { status, body } = await fetchFrom(entryOf(region, subject), { path: "/" });
    const shown = body.includes(version);
    return {
      ok: status === 200 && shown,
      expected: `200, a page naming ${version}`,
      measured: `${status}, ${shown ? `names ${version}` : `does not name ${version}`}`,
    };
  });
}

/** Through the gateway the backend reports its release, its schema, and whether it may write. */
export function backendHealth(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  return check({ name: "Backend health through the gateway", region: region.name }, async () => {
    const { version: release, schema } = subject.release;
    const expected = { status: "ok", release, writable: region.role === "primary" };
    const reply = await fetchFrom(entryOf(region, subject), { path: "/api/health" });
    const health = reply.status === 200 ? (JSON.parse(reply.body) as Record<string, unknown>) : {};
    return {
      ok:
        reply.status === 200 &&
        Object.entries(expected).every(([key, value]) => health[key] === value) &&
        isIn(schema, Number(health["schema"])),
      expected: `200 ${JSON.stringify({ ...expected, schema: inWords(schema) })}`,
      measured: `${reply.status} ${reply.body.trim().slice(0, 200)}`,
    };
  });
}

/**
 * A row sent over HTTPS comes back over HTTPS and stands in Postgres. The text is new each time,
 * so that no row of an earlier run can pass for it.
 */
export function rowSurvives(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const text = `rehearsal ${randomUUID()}`;
  return check(
    { name: "A row written over HTTPS is in Postgres", region: region.name },
    async () => {
      const entry = entryOf(region, subject);
      const posted = await fetchFrom(entry, { path: "/api/notes", method: "POST", json: { text } });
      const read = await fetchFrom(entry, { path: "/api/notes" });
      const rows = await query(region, subject, rowsWith(text));
      const seen = read.body.includes(text);
      return {
        ok: posted.status === 201 && read.status === 200 && seen && rows === "1",
        expected: "POST 201, in the list over HTTPS, 1 row in Postgres",
        measured: `POST ${posted.status}, ${seen ? "in" : "not in"} the list (${read.status}), ${rows} rows in Postgres`,
        detail: text,
      };
    },
  );
}

/** In whichever column: releases do not agree about its name. */
const rowsWith = (text: string): string =>
  `SELECT count(*) FROM notes WHERE notes::text LIKE '%${text}%'`;

/** The standby region answers reads but takes no write. */
export function writeRefused(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const text = `must not be stored ${randomUUID()}`;
  return check({ name: "The standby refuses writes", region: region.name }, async () => {
    const wanted = { path: "/api/notes", method: "POST", json: { text } } as const;
    const { status } = await fetchFrom(entryOf(region, subject), wanted);
    const rows = await query(region, subject, rowsWith(text));
    return {
      ok: status === 503 && rows === "0",
      expected: "POST 503, 0 rows in Postgres",
      measured: `POST ${status}, ${rows} rows in Postgres`,
    };
  });
}

/** What the DNS health check asks: 200 only where the writable primary is. */
export function primaryEndpoint(
  region: RegionUnderTest,
  subject: Subject,
  withinSeconds = 30,
): Promise<CheckResult> {
  const expected = region.role === "primary" ? 200 : 503;
  const about = { name: "/primary tells the roles apart", region: region.name, withinSeconds };
  return eventually(about, async () => {
    const { status } = await fetchFrom(entryOf(region, subject), { path: "/primary" });
    return {
      ok: status === expected,
      expected: `${expected} in the ${region.role} region`,
      measured: String(status),
    };
  });
}
