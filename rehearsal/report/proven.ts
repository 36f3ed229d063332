import { type Evidence, isProven } from "./evidence.ts";
import type { PhaseId } from "./phases.ts";

/** What each phase shows, in words for someone who runs none of this. */
const meanings: Readonly<Record<PhaseId, string>> = {
  foundation:
    "The product lives in a namespace of its own that refuses unsafe pods and denies all traffic nobody allowed; its deployer can touch nothing but what a release changes, and its certificate is valid.",
  database:
    "Each region has its copies of Postgres, every one with data checksums on a volume of its own, and the schema is exactly the one this release was made for.",
  data: "Every commit is held by two machines before it counts, the other region follows as it happens, both regions keep backups and the log since in their own storage, from which alone the database was brought back, whole, and the moment before this release can be gone back to by name.",
  application:
    "Every copy of backend and frontend is running, none was restarted, and what runs is byte for byte the image named in the release.",
  gateway:
    "A visitor gets in over HTTPS only, with a certificate that checks out, and old TLS versions are turned away.",
  integration:
    "The page shows the release; in the active region a row sent through the front door is in the database, and the standby region refuses to write.",
  monitoring: "Backend, frontend and database report their own numbers when asked.",
  load: "Under a light load the answers stay fast, nothing fails, and nothing restarts.",
  security:
    "A pod without permission cannot reach the database, one with permission can, and an unsafe pod is refused at the door.",
  "sign-off": "Running everything again changes nothing: what runs is what the program says.",
};

/** One sentence for each phase of which something was measured, and passed; the others prove nothing and are left out. */
export function provenBy(evidence: Evidence): string[] {
  return evidence.phases.filter(isProven).map((phase) => meanings[phase.id]);
}
