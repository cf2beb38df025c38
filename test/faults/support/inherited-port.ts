import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { eventually } from '../../e2e/support/eventually.ts'
import { follow, type RunningProgram } from '../../e2e/support/program.ts'

/**
 * Starts a process that waits for a listening socket over IPC, gives it one on this port of the host's loopback, and
 * waits until it says that it serves: so a process in a network namespace can be reached from here, on the same port in
 * every life.
 */
export async function startWithPort(
  spawn: () => ChildProcess,
  name: string,
  port: number,
): Promise<RunningProgram> {
  const socket = createServer()
  await eventually(`port ${port} is free`, async () => {
    socket.listen({ host: '127.0.0.1', port })
    await once(socket, 'listening')
    return true
  })
  const child = spawn()
  const program = follow(child, name)
  const serving = once(child, 'message')
  child.send({}, socket, () => socket.close())
  const ended = program.whenEnded.then((how) => {
    throw new Error(`${name} ended with ${how} before it served:\n${program.stdout()}${program.stderr()}`)
  })
  await Promise.race([serving, ended])
  ended.catch(() => {})
  return program
}
