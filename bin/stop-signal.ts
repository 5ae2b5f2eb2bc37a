// Composition: being told to stop, once, for every process of ours.

/** Aborts at SIGINT, SIGTERM or SIGHUP; `stopped` resolves then. */
export function stopSignal(): { readonly signal: AbortSignal; readonly stopped: Promise<void> } {
  const controller = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => {
        controller.abort();
        resolve();
      });
  });
  return { signal: controller.signal, stopped };
}
