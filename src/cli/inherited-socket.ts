import type { Server } from 'node:net'
import { UsageError } from './usage-error.ts'

/**
 * A listening socket that the parent process sends over IPC: how the lab's standalone, which lives in a network
 * namespace, is reached from the machine's own loopback.
 * @throws UsageError when there is no such parent
 */
export function inheritedSocket(): Promise<Server> {
  if (process.send === undefined) {
    throw new UsageError(
      '--listen inherited works only for a process whose parent sends it a socket; name HOST:PORT',
    )
  }
  return new Promise((resolve) => {
    process.once('message', (_message, handle) => {
      // A message without the promised handle would be the parent's bug; then nothing listens, and it sees that.
      if (handle !== undefined) resolve(handle as Server)
    })
  })
}
