import type { Logger } from 'pino'
import { milliseconds } from '../../src/api/values/time.ts'
import { type Clock, sleep } from '../../src/runtime/clock.ts'
import type { SavedState } from './state-content.ts'
import type { StateFile } from './state-file.ts'

const INTERVAL = milliseconds(250)
const RETRY = milliseconds(5_000)

export interface StateSaver {
  /** There is something new to write; many of these make one write. */
  changed(): void
  /** Writes what is left to be written. */
  flush(): Promise<void>
}

/** One write at a time, of what is current when it begins; a full disk is logged, and tried again. */
export function createStateSaver(options: {
  file: StateFile
  current: () => SavedState | undefined
  clock: Clock
  log: Logger
}): StateSaver {
  const { file, current, clock, log } = options
  let isDirty = false
  let isRunning = false
  let writing: Promise<boolean> = Promise.resolve(true)

  /** After the one before: two writers of one file would leave neither's. */
  function save(): Promise<boolean> {
    writing = writing.then(saveNow)
    return writing
  }

  async function saveNow(): Promise<boolean> {
    isDirty = false
    const snapshot = current()
    try {
      await (snapshot === undefined ? file.remove() : file.write(snapshot))
      return true
    } catch (error) {
      isDirty = true
      log.error(
        { err: error },
        'state file not written; after a restart without API the agent would serve older leases',
      )
      return false
    }
  }

  async function run(): Promise<void> {
    await sleep(clock, INTERVAL)
    while (isDirty) {
      const saved = await save()
      if (isDirty) await sleep(clock, saved ? INTERVAL : RETRY)
    }
  }

  return {
    changed() {
      isDirty = true
      if (isRunning) return
      isRunning = true
      void run().finally(() => {
        isRunning = false
      })
    },
    async flush() {
      await writing
      if (isDirty) await save()
    },
  }
}
