// The loader puts ts-node before every `.ts` it requires; what an ES module imports, Node strips
// itself. Entering through plain JavaScript saves the type check: a third of the start-up time.
import "./index.ts";
