import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import * as z from 'zod'
import { parseMacAddress } from '../api/values/mac-address.ts'
import { packageFile } from '../runtime/package-root.ts'
import { createLabNetwork, type LabMachine, type LabNetwork } from './network.ts'
import { LabUnavailableError } from './tools.ts'

/** The network of the documentation, with our server on it and the documentation's VM. */
export interface LabSession {
  readonly url: string
  readonly kubeconfig: string
  readonly vm: LabMachine
  /** Resolves when standalone ends by itself, with what it said last. */
  readonly ended: Promise<string>
  close(): Promise<void>
}

export const LAB_NETWORK = 'default/net-48'
/** Of ../deploy/examples/vm-test-vm.yaml. */
export const LAB_VM_MAC = parseMacAddress('ca:70:82:e6:84:6e')
export const SERVER_INTERFACE = 'eth1'
export const VM_INTERFACE = 'eth0'

const readyMessage = z.object({ kubeconfig: z.string() })

/**
 * Standalone in a namespace of its own, so that nothing of it shows on this machine's networks, except that its API is
 * served on this machine's loopback: the socket is made here and handed over.
 * @throws LabUnavailableError
 */
export async function openLabSession(options: {
  dataDirectory: string
  listen: { host: string; port: number }
  logLevel: string
}): Promise<LabSession> {
  const socket = await listen(options.listen)
  let network: LabNetwork | undefined
  let child: ChildProcess | undefined
  try {
    network = await createLabNetwork('net-48')
    const server = await network.addMachine('server', { interfaceName: SERVER_INTERFACE })
    const vm = await network.addMachine('vm', { interfaceName: VM_INTERFACE, mac: LAB_VM_MAC })
    child = server.namespace.spawn(process.execPath, standaloneArguments(options), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const output = keepLast(child)
    const ended = once(child, 'exit').then(() => output.text())
    const url = `http://${options.listen.host}:${portOf(socket)}`
    await handOver(socket, child)
    const kubeconfig = await kubeconfigOf(child, ended)
    const running = child
    const lab = network
    return {
      url,
      kubeconfig,
      vm,
      ended,
      async close() {
        await stop(running)
        await lab.close()
      },
    }
  } catch (error) {
    if (child !== undefined) await stop(child)
    await network?.close()
    socket.close()
    throw error
  }
}

function standaloneArguments({
  dataDirectory,
  logLevel,
}: {
  dataDirectory: string
  logLevel: string
}): string[] {
  return [
    packageFile('dist', 'src', 'main.js'),
    ...['--log-level', logLevel],
    'standalone',
    ...['--data-dir', path.resolve(dataDirectory)],
    ...['--network', `${LAB_NETWORK}=${SERVER_INTERFACE}`],
    ...['--listen', 'inherited'],
  ]
}

async function listen({ host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new LabUnavailableError(
          `cannot listen on ${host}:${port} (${cause.message}); choose another with --listen`,
          { cause },
        ),
      ),
    )
    server.listen({ host, port }, resolve)
  })
  return server
}

/** Both processes would accept connections: ours stops as soon as the other has the socket. */
async function handOver(socket: Server, child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.send({ type: 'socket' }, socket, (error) => (error === null ? resolve() : reject(error)))
  })
  socket.close()
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** @throws LabUnavailableError with what standalone said, when it ends before it serves */
function kubeconfigOf(child: ChildProcess, ended: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const ready = readyMessage.safeParse(message)
      if (ready.success) resolve(ready.data.kubeconfig)
    })
    void ended.then((text) =>
      reject(new LabUnavailableError(`standalone ended: ${text.trim() || 'without a word'}`)),
    )
  })
}

const KEPT_OUTPUT = 16 * 1024

function keepLast(child: ChildProcess): { text(): string } {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-KEPT_OUTPUT)
    })
  }
  return { text: () => text }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
