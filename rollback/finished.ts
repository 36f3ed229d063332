import * as pulumi from "@pulumi/pulumi";

/**
 * To be called before anything is declared.
 * @returns a value's way into the stack's outputs: known when everything that the program has declared is there, and not
 * before. What `--target` and `--exclude` leave out passes for there. The engine writes the outputs of a run as soon as all
 * are known, also where that run fails later.
 */
export function whenFinished(): <Value>(value: Value) => pulumi.Output<Value> {
  const declared: pulumi.Resource[] = [];
  pulumi.runtime.registerStackTransformation(({ resource }) => {
    declared.push(resource);
    return undefined;
  });
  return (value) => pulumi.all(declared.map(({ urn }) => urn)).apply(() => value);
}
