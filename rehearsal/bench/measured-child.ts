/** Run as a child process: does one thing and says on stdout what it took. */
const [thing = ""] = process.argv.slice(2);
const started = performance.now();
switch (thing) {
  case "import":
    await import("@pulumi/pulumi");
    break;
  case "graph": {
    const { renderedFiles } = await import("../render.ts");
    await renderedFiles("production");
    break;
  }
  default:
    throw new Error(`thing: got "${thing}"; allowed are import and graph`);
}
const seconds = (performance.now() - started) / 1000;
const megabytes = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify({ seconds, megabytes }), () => process.exit(0));
