// @ts-check
// Request count and latency in the text format of Prometheus.
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** @typedef {{ method: string, route: string, status: string }} RequestLabels */

export class RequestMetrics {
  /** @type {Map<string, number>} */
  #requests = new Map();
  /** @type {Map<string, { buckets: number[], sum: number, count: number }>} */
  #durations = new Map();
  #release;

  /** @param {string} release */
  constructor(release) {
    this.#release = release;
  }

  /** @param {RequestLabels} labels @param {number} seconds */
  observe({ method, route, status }, seconds) {
    const request = `method="${method}",route="${route}",status="${status}"`;
    this.#requests.set(request, (this.#requests.get(request) ?? 0) + 1);
    const path = `method="${method}",route="${route}"`;
    const duration = this.#durations.get(path) ?? {
      buckets: bounds.map(() => 0),
      sum: 0,
      count: 0,
    };
    this.#durations.set(path, duration);
    duration.sum += seconds;
    duration.count += 1;
    for (const [index, bound] of bounds.entries())
      if (seconds <= bound) duration.buckets[index] = (duration.buckets[index] ?? 0) + 1;
  }

  text() {
    const lines = [
      "# HELP release_info The release this process runs.",
      "# TYPE release_info gauge",
      `release_info{release="${this.#release}"} 1`,
      "# HELP http_requests_total Requests answered.",
      "# TYPE http_requests_total counter",
      ...[...this.#requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
      "# HELP http_request_duration_seconds Time from request to answer.",
      "# TYPE http_request_duration_seconds histogram",
    ];
    for (const [labels, { buckets, sum, count }] of this.#durations) {
      const name = "http_request_duration_seconds";
      for (const [index, bound] of bounds.entries())
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[index] ?? 0}`);
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
