/** Type of the component whose output the next run looks for in the engine's state. */
export const releaseRecordType = "lifeline:release:ReleaseRecord";

/** Name of its ConfigMap in each region. */
export const releaseRecordObject = "lifeline-release";
