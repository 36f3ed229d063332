/** One change of the story, forward or back. */
export interface Change {
  readonly release: string;
  /** Why somebody makes it; recorded. */
  readonly reason: string;
  /** A change that goes back takes the release before it out, and must keep its promises. */
  readonly back: boolean;
  /** Restore point that the data goes back to, as a generation of its own. */
  readonly restoreTo?: string;
}

const forward = (release: string, reason: string): Change => ({ release, reason, back: false });

const back = (release: string, reason: string, restoreTo?: string): Change => ({
  ...{ release, reason, back: true },
  ...(restoreTo !== undefined && { restoreTo }),
});

/**
 * The life of the sample application after v1.0.0: back from each release to the one before, then, from the one that
 * breaks the data, one further. What was taken back may be gone back to, or come out again, with a reason.
 */
export const story: readonly Change[] = [
  forward("v1.1.0", "notes tell their number of words"),
  back("v1.0.0", "more than 5 % errors for 5 minutes"),
  forward("v1.2.0", "the errors came from a client; and pinned notes come first"),
  back("v1.1.0", "the new order confuses people"),
  forward("v1.3.0", "the order is explained; and a note can be pinned"),
  back("v1.2.0", "the pinned list is slow"),
  forward("v1.4.0", "the list uses its index; and double spaces are tidied"),
  back("v1.3.0", "notes lost all but their first word", "v1.4.0"),
  forward("v1.4.0", "somebody brings it out once more by mistake"),
  back("v1.2.0", "notes lost all but their first word again", "v1.4.0.2"),
];

/** Where the story begins. */
export const firstRelease = "v1.0.0";

/** Settings of the stack file that make a change, beside the generations of the data before it. */
export function settingsOf(
  { release, reason, restoreTo }: Change,
  generations: readonly unknown[],
): Record<string, unknown> {
  return {
    release,
    change: {
      ...{ release, reason, requestedBy: "rehearsal" },
      // Counts only for a release that was taken back.
      allowRetry: reason,
      ...(restoreTo !== undefined && { acceptLoss: restoreTo }),
    },
    "postgres.generations": generations,
  };
}
