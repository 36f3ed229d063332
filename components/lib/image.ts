const component = "[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*";
// A port belongs to a host, so something must follow it; otherwise `:15` would be a tag.
const repository = `(?:${component}(?::\\d+)?/)?${component}(?:/${component})*`;
const reference = new RegExp(`^${repository}@sha256:[0-9a-f]{64}$`);

/** True for `<repository>@sha256:<64 hex>` without a tag: the only way to name an image here. */
export function isPinnedImage(image: string): boolean {
  return reference.test(image);
}
