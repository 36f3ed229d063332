import tseslint from "typescript-eslint";

/** One way for data to flow (docs/decisions/001): each rule below names the room it guards. */
export default tseslint.config(
  { ignores: ["node_modules/", "test/**/golden/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-floating-promises": "error",
      // Pulumi resources are declared for their effect.
      "no-new": "off",
      "prefer-const": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["components/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["**/config.ts"],
              message: "Components get values as arguments, never from config.",
            },
            {
              group: ["**/rehearsal/**", "**/policies/**"],
              message: "Components know neither the rehearsal nor the policies.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["policies/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["**/components/**", "**/config.ts"],
              message: "Policies judge from outside.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["config.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.object.name='pulumi'][callee.property.name='Config']",
          message: "config.ts is the only reader of pulumi.Config.",
        },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // Jest's asymmetric matchers are typed as any.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "no-restricted-syntax": [
        "error",
        {
          selector: "ExpressionStatement > CallExpression[callee.property.name='apply']",
          message: "An assertion inside a bare apply cannot fail: await valueOf(output) instead.",
        },
      ],
    },
  },
);
