/** Wakes one loop that waits: a ring while nobody waits is kept for the next wait. */
export interface Alarm {
  ring(): void;
  /** Ends after `milliseconds`, at a ring, or when `signal` aborts. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function createAlarm(): Alarm {
  let rung = false;
  let awake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      awake?.();
    },
    async wait(milliseconds, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          awake = () => { clearTimeout(timer); resolve(); };
          signal.addEventListener('abort', awake, { once: true });
        });
        if (awake !== undefined) signal.removeEventListener('abort', awake);
        awake = undefined;
      }
      rung = false;
    },
  };
}
