import type { Cancel, Clock } from '../../runtime/clock.ts'

/** A clock whose timers end with a term: nothing that an actor was waiting for outlives it. */
export interface TermClock extends Clock {
  end(): void
}

export function createTermClock(clock: Clock): TermClock {
  const pending = new Set<Cancel>()
  let isOver = false
  return {
    now: () => clock.now(),
    after(delay, action) {
      if (isOver) return () => {}
      const cancel = clock.after(delay, () => {
        pending.delete(cancel)
        action()
      })
      pending.add(cancel)
      return () => {
        pending.delete(cancel)
        cancel()
      }
    },
    end() {
      isOver = true
      for (const cancel of pending) cancel()
      pending.clear()
    },
  }
}
