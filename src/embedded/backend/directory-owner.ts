import { closeSync, openSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { DataDirectoryError } from './errors.ts'

export const OWNER_KEY = 'owner'

export interface Ownership {
  release(): Promise<void>
}

/**
 * Makes this process the only user of a database. The owner listens on a socket in the directory, so it
 * is alive exactly as long as that can be connected to: SIGKILL ends it, a reused pid does not fake it,
 * and it is seen from other pid and network namespaces. The database itself says which socket it is, and
 * its write lock makes taking over from a dead owner a compare-and-set.
 * @throws DataDirectoryError
 */
export async function takeOwnership(
  directory: string,
  database: RootDatabase<string, string>,
  token: string,
): Promise<Ownership> {
  const name = `${token}.sock`
  const folder = openSync(directory, 'r')
  let server: Server
  try {
    server = await listen(directory, folder, name)
  } catch (error) {
    closeSync(folder)
    throw error
  }
  try {
    for (;;) {
      const owner = database.get(OWNER_KEY)
      if (owner !== undefined && (await isAlive(directory, folder, owner))) {
        throw new DataDirectoryError(directory, 'is in use by another running process; stop that one first')
      }
      const taken = database.transactionSync(() => {
        if (database.get(OWNER_KEY) !== owner) return false
        database.putSync(OWNER_KEY, name)
        return true
      })
      if (taken) {
        if (owner !== undefined) rmSync(join(directory, owner), { force: true })
        break
      }
    }
  } catch (error) {
    await stop(server)
    closeSync(folder)
    throw error
  }
  return {
    release: async () => {
      database.transactionSync(() => {
        if (database.get(OWNER_KEY) === name) database.removeSync(OWNER_KEY)
      })
      await stop(server)
      closeSync(folder)
    },
  }
}

/** A socket's path may have some 100 bytes only; by way of the open folder it is short, however deep that lies. */
function socketPath(directory: string, folder: number, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${folder}/${name}` : join(directory, name)
}

function listen(directory: string, folder: number, name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (cause) => {
      reject(new DataDirectoryError(directory, `no socket can be made in it: ${cause.message}`, { cause }))
    })
    server.listen(socketPath(directory, folder, name), () => {
      server.unref()
      resolve(server)
    })
  })
}

function isAlive(directory: string, folder: number, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(directory, folder, name))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Closing a server removes its socket file. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
