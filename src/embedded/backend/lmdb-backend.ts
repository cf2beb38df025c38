import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { systemRandom } from '../../runtime/random.ts'
import type { Backend } from './backend.ts'
import { OWNER_KEY, takeOwnership } from './directory-owner.ts'
import { DataDirectoryError } from './errors.ts'
import { checkFile } from './lmdb-file.ts'

const FORMAT = 'managed-dhcp objects 1'
const FORMAT_KEY = 'format'
const REVISION_KEY = 'revision'
const OBJECT_PREFIX = 'object '
/** What else there may be; anything beyond that is no work of ours. */
const OTHER_KEYS = new Set([FORMAT_KEY, REVISION_KEY, OWNER_KEY])

export class CommitError extends Error {
  override readonly name = 'CommitError'
  constructor(cause: unknown) {
    super(`the data directory took no write: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

/**
 * Objects in an LMDB database. A write is acknowledged after its commit was synced to the disk
 * (`overlappingSync: false`), so it outlives SIGKILL and a power cut; LMDB's copy-on-write pages mean that
 * a crash at any point leaves the last commit readable.
 * @throws DataDirectoryError
 */
export async function openLmdbBackend(directory: string): Promise<Backend> {
  const path = resolve(directory)
  prepareDirectory(path)
  checkFile(path, join(path, 'data.mdb'))
  const database = openDatabase(path)
  try {
    // Real chance, not the caller's: two processes must differ even when they share a seed.
    const token = `owner-${process.pid}-${systemRandom.uuid().slice(0, 8)}`
    const ownership = await takeOwnership(path, database, token)
    return {
      load: () => load(path, database),
      async write(writes, revision) {
        try {
          await database.transaction(() => {
            for (const { key, json } of writes) {
              if (json === undefined) database.removeSync(OBJECT_PREFIX + key)
              else database.putSync(OBJECT_PREFIX + key, json)
            }
            database.putSync(REVISION_KEY, String(revision))
          })
        } catch (error) {
          throw new CommitError(await reasonOf(error))
        }
      },
      async close() {
        await ownership.release()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** lmdb says "Commit failed" and hands the reason over as a promise that rejects. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (!statSync(directory).isDirectory()) throw new Error('it is not a directory')
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    const file = join(directory, 'data.mdb')
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DataDirectoryError(directory, `cannot be read and written: ${why}`, { cause })
  }
}

function openDatabase(directory: string): RootDatabase<string, string> {
  try {
    return open<string, string>({
      path: directory,
      noSubdir: false,
      encoding: 'string',
      overlappingSync: false,
      // Its batches have a promise of their own that nobody can listen to when a commit fails.
      eventTurnBatching: false,
      maxReaders: 16,
    })
  } catch (cause) {
    throw damaged(directory, cause)
  }
}

function load(directory: string, database: RootDatabase<string, string>) {
  try {
    const format = database.get(FORMAT_KEY)
    if (format === undefined) database.putSync(FORMAT_KEY, FORMAT)
    else if (format !== FORMAT) {
      throw new DataDirectoryError(directory, `is in a form that this version does not know: "${format}"`)
    }
    const objects = new Map<string, string>()
    for (const { key, value } of database.getRange()) {
      if (OTHER_KEYS.has(key)) continue
      if (!key.startsWith(OBJECT_PREFIX)) throw new Error(`there is an unknown entry "${key}"`)
      JSON.parse(value)
      objects.set(key.slice(OBJECT_PREFIX.length), value)
    }
    const revision = Number(database.get(REVISION_KEY) ?? 0)
    if (!Number.isSafeInteger(revision)) throw new Error('the revision is not a number')
    return { revision, objects }
  } catch (cause) {
    if (cause instanceof DataDirectoryError) throw cause
    throw damaged(directory, cause)
  }
}

function damaged(directory: string, cause: unknown): DataDirectoryError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new DataDirectoryError(
    directory,
    `cannot be opened: ${why}. It is damaged or was written by something else; move it away to start afresh`,
    { cause },
  )
}
