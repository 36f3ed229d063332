import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import JestRuntime from "jest-runtime";

/** What is loaded anew for each test file; the program and its packages are loaded once for all of them. */
const tests = pathToFileURL(join(import.meta.dirname, "../../")).href;
const globals = Symbol.for("lifeline.jest.globals");
let files = 0;

registerHooks({
  resolve(specifier, context, next) {
    const [file] = /\?file=\d+$/.exec(context.parentURL ?? "") ?? [];
    if (file === undefined) return next(specifier, context);
    if (specifier === "@jest/globals")
      return { url: `jest-globals:${file}`, format: "module", shortCircuit: true };
    const found = next(specifier, context);
    return found.url.startsWith(tests) ? { ...found, url: found.url + file } : found;
  },
  load(url, context, next) {
    if (!url.startsWith("jest-globals:")) return next(url, context);
    const names = Object.keys(globalThis[globals]).join(", ");
    const source = `export const { ${names} } = globalThis[Symbol.for("${globals.description}")];`;
    return { source, format: "module", shortCircuit: true };
  },
});

/**
 * Loads test files as Node loads the program, in the process of the worker. In a context of its own for each of them, as
 * jest does it, loading Pulumi and the program again takes longer than most of the tests. A file that needs one has
 * `@jest-environment node` on top.
 */
export default class ProcessRuntime extends JestRuntime {
  async unstable_importModule(file, name) {
    if (hasContext(this)) return super.unstable_importModule(file, name);
    globalThis[globals] = this.jestGlobals.cjsGlobals(file);
    files += 1;
    return import(`${pathToFileURL(file).href}?file=${files}`);
  }

  /** Jest's own modules; they remember tests and hooks of the file before. */
  requireInternalModule(from, name) {
    if (hasContext(this) || name !== undefined) return super.requireInternalModule(from, name);
    const require = createRequire(from);
    delete require.cache[from];
    for (const memory of ["EVENT_HANDLERS", "TEST_TIMEOUT_SYMBOL"])
      delete globalThis[Symbol.for(memory)];
    return require(from);
  }

  // The registries of a context; without one there is nothing in them.
  resetModules() {
    if (hasContext(this)) super.resetModules();
  }

  installGetBuiltinModule() {
    if (hasContext(this)) super.installGetBuiltinModule();
  }
}

/** A function, because jest's own constructor calls what asks. */
function hasContext({ _environment }) {
  return _environment.getVmContext() !== null;
}
