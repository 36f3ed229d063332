import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";

import ts from "typescript";

import { repository } from "../../rehearsal/paths.ts";

/** Modules that a file loads, at once or when it gets there; types are gone by then. */
function importsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  const found: string[] = [];
  const add = (node: ts.Node | undefined) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly !== true)
      add(node.moduleSpecifier);
    if (ts.isExportDeclaration(node) && !node.isTypeOnly) add(node.moduleSpecifier);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Packages that are loaded from a file on, each with the files that load it. */
function packagesFrom(entry: string): Map<string, string[]> {
  const packages = new Map<string, string[]>();
  const files = [join(repository, entry)];
  // A list grows while it is walked.
  for (const file of files) {
    for (const module of importsOf(file)) {
      if (isBuiltin(module)) continue;
      if (module.startsWith(".")) {
        const next = join(dirname(file), module);
        if (!files.includes(next)) files.push(next);
        continue;
      }
      const name = /^(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? module;
      packages.set(name, [...(packages.get(name) ?? []), relative(repository, file)]);
    }
  }
  return packages;
}

const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};

// Who runs the program has installed no more than that: npm ci --omit=dev.
test.each(["index.ts", "policies/main.js"])(
  "%s loads nothing but what is installed without development packages",
  (entry) => {
    const packages = packagesFrom(entry);
    expect(packages.size).toBeGreaterThan(0);
    const missing = [...packages].filter(([name]) => manifest.dependencies[name] === undefined);
    expect(Object.fromEntries(missing)).toEqual({});
  },
);

test("the lock file installs all of it without development packages, too", () => {
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
    packages: Record<
      string,
      { dev?: boolean; dependencies?: Record<string, string>; optional?: boolean }
    >;
  };
  expect(packages[""]?.dependencies).toEqual(manifest.dependencies);
  /** Where Node finds a package that another one needs. */
  const placeOf = (name: string, from: string): string => {
    const here = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
    if (packages[here] !== undefined || from === "") return here;
    return placeOf(name, from.slice(0, Math.max(0, from.lastIndexOf("node_modules/") - 1)));
  };
  const places = [""];
  for (const place of places) {
    for (const name of Object.keys(packages[place]?.dependencies ?? {})) {
      const needed = placeOf(name, place);
      if (!places.includes(needed)) places.push(needed);
    }
  }
  const left = places.filter((it) => packages[it] === undefined || packages[it].dev === true);
  expect(left).toEqual([]);
});
