import { rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { DataDirectoryError } from './errors.ts'

const OWNER = 'owner'
/** Room for the socket's name in sockaddr_un.sun_path, which holds 108 bytes on Linux and 104 on macOS. */
const MAX_SOCKET_PATH = 100

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
  const server = await listen(directory, name)
  try {
    for (;;) {
      const owner = database.get(OWNER)
      if (owner !== undefined && (await isAlive(directory, owner))) {
        throw new DataDirectoryError(directory, 'is in use by another running process; stop that one first')
      }
      const taken = database.transactionSync(() => {
        if (database.get(OWNER) !== owner) return false
        database.putSync(OWNER, name)
        return true
      })
      if (taken) {
        if (owner !== undefined) rmSync(join(directory, owner), { force: true })
        break
      }
    }
  } catch (error) {
    await stop(server)
    throw error
  }
  return {
    release: async () => {
      database.transactionSync(() => {
        if (database.get(OWNER) === name) database.removeSync(OWNER)
      })
      await stop(server)
    },
  }
}

function listen(directory: string, name: string): Promise<Server> {
  const path = join(directory, name)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    const limit = MAX_SOCKET_PATH - Buffer.byteLength(name) - 1
    const why = `its path is too long for the socket in it; at most ${limit} bytes, please`
    return Promise.reject(new DataDirectoryError(directory, why))
  }
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (cause) => {
      reject(new DataDirectoryError(directory, `no socket can be made in it: ${cause.message}`, { cause }))
    })
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

function isAlive(directory: string, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(join(directory, name))
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
