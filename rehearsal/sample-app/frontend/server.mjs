// @ts-check
// The frontend: one page that shows its release and configuration and asks the backend from the browser.
import { startService } from "../shared/service.mjs";
import { setting } from "../shared/settings.mjs";
import { page } from "./page.mjs";

const html = page({ title: setting("TITLE"), release: setting("RELEASE_VERSION") });

startService({
  name: "frontend",
  notReadyBecause: () => Promise.resolve(undefined),
  routes: { "GET /": () => ({ status: 200, html }) },
});
