import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { decodeState, encodeState, type SavedState } from './state-content.ts'

/** What an agent serves from when it starts while nothing else can be reached (law 6). */
export interface StateFile {
  /** Undefined when there is none, or none that can be read: that is logged, and the file set aside. */
  read(): Promise<SavedState | undefined>
  /** @throws StateFileError */
  write(snapshot: SavedState): Promise<void>
  /** @throws StateFileError */
  remove(): Promise<void>
}

export class StateFileError extends Error {
  override readonly name = 'StateFileError'
  constructor(
    readonly file: string,
    options: ErrorOptions,
  ) {
    const { cause } = options
    super(`cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, options)
  }
}

export function openStateFile(directory: string, pool: ObjectKey, log: Logger): StateFile {
  // A namespace holds no dots, so no two pools share a name.
  const file = path.join(directory, `${pool.namespace}.${pool.name}.json`)

  async function guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (cause) {
      throw new StateFileError(file, { cause })
    }
  }

  return {
    async read() {
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
        log.warn({ err: error, file }, 'state file not readable; starting without it')
        return undefined
      }
      try {
        return decodeState(text, pool)
      } catch (error) {
        log.warn({ err: error, file }, 'state file damaged; set aside as .damaged, starting without it')
        await rename(file, `${file}.damaged`).catch(() => {})
        return undefined
      }
    },

    write: (snapshot) =>
      guarded(async () => {
        await mkdir(directory, { recursive: true })
        // A whole file under the old name, or a whole file under the new one: never half of one.
        const temporary = `${file}.new`
        const handle = await open(temporary, 'w', 0o600)
        try {
          await handle.writeFile(encodeState(snapshot))
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(temporary, file)
      }),

    remove: () => guarded(() => rm(file, { force: true })),
  }
}
