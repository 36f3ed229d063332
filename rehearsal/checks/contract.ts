import type { CheckResult } from "../report/evidence.ts";
import { type Component, podsOf } from "./application.ts";
import { check } from "./check.ts";
import { entryOf } from "./gateway.ts";
import { fetchFrom } from "./https-client.ts";
import { scrape } from "./monitoring.ts";
import type { RegionUnderTest, Subject } from "./subject.ts";

/** Through the gateway the backend says what docs/contract.md asks of any application. */
export function reportsRelease(region: RegionUnderTest, subject: Subject): Promise<CheckResult> {
  const about = { name: "Backend reports the release through the gateway", region: region.name };
  return check(about, async () => {
    const expected = { status: "ok", release: subject.release.version };
    const { status, body } = await fetchFrom(entryOf(region, subject), { path: "/api/health" });
    const said = status === 200 ? (JSON.parse(body) as Record<string, unknown>) : {};
    return {
      ok: Object.entries(expected).every(([key, value]) => said[key] === value),
      expected: `200 ${JSON.stringify(expected)}`,
      measured: `${String(status)} ${body.trim().slice(0, 200)}`,
    };
  });
}

/** Every pod of the component serves metrics; one that has served nobody yet counts nothing. */
export function servesMetrics(
  region: RegionUnderTest,
  { namespace }: Subject,
  component: Component,
): Promise<CheckResult> {
  return check({ name: `${component}: metrics answer`, region: region.name }, async () => {
    const pods = await podsOf(region.cluster, namespace, component);
    const texts = await Promise.all(pods.map((pod) => scrape(region, pod, 9464)));
    return {
      ok: texts.length > 0,
      expected: "/metrics of every pod",
      measured: `${String(texts.length)} of ${String(pods.length)} pods answer`,
    };
  });
}
