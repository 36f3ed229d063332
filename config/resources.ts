import { section } from "./expectation.ts";
import { cpu, memory } from "./values.ts";

export const compute = section({ cpu, memory });

/** Of one container: what it is promised and what it may never exceed. */
export const resources = section({ requests: compute, limits: compute });
