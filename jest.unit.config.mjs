import base from "./jest.config.mjs";

/** Unit tests: those that need nothing that runs. They share the process of their worker. */
export default {
  ...base,
  testPathIgnorePatterns: ["/test/(e2e|engine|integration|regions)/"],
  testEnvironment: "<rootDir>/test/support/jest/environment.mjs",
  runtime: "<rootDir>/test/support/jest/runtime.mjs",
};
