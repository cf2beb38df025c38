import { type StateFile, StateFileError } from '../../actors/agent/state-file.ts'
import { type PoolSnapshot, poolSnapshotSchema } from '../../actors/pool/contracts.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'

/** What of an agent's state outlives its process: texts of the file, the first that was ever written and the last. */
export interface StateDisk {
  first: string | undefined
  current: string | undefined
  isFull: boolean
}

export function emptyDisk(): StateDisk {
  return { first: undefined, current: undefined, isFull: false }
}

export interface StateFileObserver {
  /** The life may be over afterwards. */
  writing(moment: 'before-write' | 'after-write'): void
}

const FSYNC_MS = 4
const FILE = '/var/lib/managed-dhcp/state'

/** The state file as `actors/agent/state-file.ts` promises it: whole under its name, or as it was before. */
export function createSimulatedStateFile(
  disk: StateDisk,
  life: Life,
  scheduler: Scheduler,
  observer: StateFileObserver,
): StateFile {
  function later<T>(action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      scheduler.after(FSYNC_MS, life, () => {
        try {
          resolve(action())
        } catch (error) {
          reject(error)
        }
      })
    })
  }
  return {
    read: () => later(() => parse(disk.current)),
    write: (snapshot) =>
      later(() => {
        observer.writing('before-write')
        if (!life.alive) return
        if (disk.isFull) {
          throw new StateFileError(FILE, { cause: new Error('ENOSPC: no space left on device') })
        }
        disk.current = JSON.stringify(snapshot)
        disk.first ??= disk.current
        observer.writing('after-write')
      }),
    remove: () =>
      later(() => {
        disk.current = undefined
      }),
  }
}

function parse(text: string | undefined): PoolSnapshot | undefined {
  if (text === undefined) return undefined
  try {
    return poolSnapshotSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
