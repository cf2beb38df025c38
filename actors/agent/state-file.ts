import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from 'pino'
import * as z from 'zod'
import type { ObjectKey } from '../../src/api/values/object-key.ts'
import { type PoolSnapshot, poolSnapshotSchema } from '../pool/contracts.ts'

/** What an agent serves from when it starts while nothing else can be reached (law 6). */
export interface StateFile {
  /** Undefined when there is none, or none that can be read: that is logged, and the file set aside. */
  read(): Promise<PoolSnapshot | undefined>
  /** @throws StateFileError */
  write(snapshot: PoolSnapshot): Promise<void>
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

/** Files of earlier releases have no checksum, and are read all the same: the agent may start in the dark after an upgrade. */
const contentSchema = z.object({
  version: z.literal(1),
  sha256: z.string().optional(),
  snapshot: z.unknown(),
})

/** @throws when that is not what was written */
function snapshotIn(text: string): PoolSnapshot {
  const { sha256, snapshot } = contentSchema.parse(JSON.parse(text))
  // A digit that a disk turned into another makes an address of somebody else's.
  if (sha256 !== undefined && sha256 !== checksum(snapshot)) throw new Error('its checksum is wrong')
  return poolSnapshotSchema.parse(snapshot)
}

/** What was read as JSON and is written again is the same text. */
function checksum(snapshot: unknown): string {
  return createHash('sha256').update(JSON.stringify(snapshot)).digest('hex')
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
        const snapshot = snapshotIn(text)
        if (snapshot.namespace !== pool.namespace || snapshot.name !== pool.name) {
          throw new Error(`it is of the IPPool ${snapshot.namespace}/${snapshot.name}`)
        }
        return snapshot
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
          await handle.writeFile(JSON.stringify({ version: 1, sha256: checksum(snapshot), snapshot }))
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(temporary, file)
      }),

    remove: () => guarded(() => rm(file, { force: true })),
  }
}
