import { acquire } from "../../../rehearsal/toolchain/acquire.ts";
import { context, hello } from "./support.ts";

/** Another run of the program: gets `hello` into a cache and says how. Arguments: cache, module folder, release server. */
const [cache = "", folder = "", base = ""] = process.argv.slice(2);
const { how, fromCache } = await acquire(hello(folder, base), await context(cache));
process.stdout.write(JSON.stringify({ how, fromCache }));
