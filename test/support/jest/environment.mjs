import { ModernFakeTimers } from "@jest/fake-timers";
import { ModuleMocker } from "jest-mock";

/** The process itself, as the program has it; what a test file changes in it is put back once the file is through. */
export default class ProcessEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  #before = {
    console: globalThis.console,
    exit: process.exit,
    variables: { ...process.env },
    folder: process.cwd(),
    prepareStackTrace: Error.prepareStackTrace,
  };

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  setup() {}

  teardown() {
    const { console, exit, variables, folder, prepareStackTrace } = this.#before;
    this.fakeTimersModern.dispose();
    globalThis.console = console;
    process.exit = exit;
    for (const name of Object.keys(process.env))
      if (!Object.hasOwn(variables, name)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, variables);
    process.chdir(folder);
    Error.prepareStackTrace = prepareStackTrace;
  }

  exportConditions() {
    return ["node", "node-addons"];
  }

  /** There is none: by this the runtime knows that a file runs in the process itself. */
  getVmContext() {
    return null;
  }
}
