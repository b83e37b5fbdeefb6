/**
 * Waits until `why` gives undefined: until then it says why not yet, and that text is the error at the deadline. For what has no event to await.
 */
export async function eventually(
  why: () => string | undefined | Promise<string | undefined>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const reason = await why();
    if (reason === undefined) return;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
