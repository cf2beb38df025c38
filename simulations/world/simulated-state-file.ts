import { decodeState, encodeState } from '../../actors/agent/state-content.ts'
import { type StateFile, StateFileError } from '../../actors/agent/state-file.ts'
import type { Life } from './life.ts'
import type { Scheduler } from './scheduler.ts'
import type { StateDisk } from './state-disk.ts'

export interface StateFileObserver {
  /** The life may be over afterwards. */
  writing(moment: 'before-write' | 'after-write'): void
  /** A fault of the disk was met. */
  failed(what: string, why: string): void
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
    read: () =>
      later(() => {
        if (disk.file === undefined) return undefined
        try {
          return decodeState(disk.file, disk.pool)
        } catch {
          // As .damaged, where nobody looks.
          disk.file = undefined
          observer.failed('read state file', 'damaged')
          return undefined
        }
      }),
    write: (snapshot) =>
      later(() => {
        observer.writing('before-write')
        if (!life.alive) return
        if (disk.isFull) {
          observer.failed('write state file', 'full-disk')
          throw new StateFileError(FILE, { cause: new Error('ENOSPC: no space left on device') })
        }
        disk.file = encodeState(snapshot)
        disk.first ??= disk.file
        observer.writing('after-write')
      }),
    remove: () =>
      later(() => {
        if (disk.isKept) {
          observer.failed('remove state file', 'kept')
          throw new StateFileError(FILE, { cause: new Error('EROFS: read-only file system') })
        }
        disk.file = undefined
      }),
  }
}
