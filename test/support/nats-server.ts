import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface NatsServer {
  readonly url: string
  readonly port: number
  /** SIGTERM, and wait for the end. */
  stop(): Promise<void>
  /** SIGKILL, and wait for the end. */
  kill(): Promise<void>
  /** On the same port, with the same configuration or another. */
  restart(config?: string): Promise<void>
  /** Stalls it without closing anything, and lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** End it and remove its files: call this in afterAll. */
  close(): Promise<void>
}

/**
 * A real nats-server on a free port of the loopback interface.
 * @param config more of its configuration file: users, permissions, limits
 */
export async function startNatsServer(config = ''): Promise<NatsServer> {
  const program = findProgram()
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'mdhcp-nats-'))
  const file = join(directory, 'nats.conf')
  let child: ChildProcess | undefined
  let output = ''
  let configuration = config

  async function start(): Promise<void> {
    writeFileSync(file, `listen: "127.0.0.1:${port}"\n${configuration}\n`)
    output = ''
    const started = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
    started.stderr?.on('data', (chunk) => {
      output = (output + String(chunk)).slice(-4000)
    })
    child = started
    for (let attempt = 0; attempt < 400; attempt++) {
      if (started.exitCode !== null) break
      if (await greets(port)) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`nats-server did not start on port ${port}: ${output}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child
    child = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    await new Promise<void>((resolve) => {
      ending.once('exit', () => resolve())
      ending.kill('SIGCONT')
      ending.kill(signal)
    })
  }

  const atExit = () => child?.kill('SIGKILL')
  process.once('exit', atExit)
  const close = async () => {
    await end('SIGKILL')
    process.off('exit', atExit)
    rmSync(directory, { recursive: true, force: true })
  }
  await start().catch(async (error) => {
    await close()
    throw error
  })

  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart(newConfig) {
      await end('SIGKILL')
      if (newConfig !== undefined) configuration = newConfig
      await start()
    },
    signal: (signal) => {
      child?.kill(signal)
    },
    close,
  }
}

function findProgram(): string {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']
  const found = directories
    .map((directory) => join(directory, 'nats-server'))
    .find((path) => existsSync(path))
  if (!found) throw new Error('nats-server is missing: install it with "apt-get install nats-server"')
  return found
}

const given = new Set<number>()

/** A port of the loopback interface that nobody listens on now, and that nobody else was given here. */
export async function freePort(): Promise<number> {
  const port = await unusedPort()
  if (given.has(port)) return freePort()
  given.add(port)
  return port
}

function unusedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port)
        else reject(new Error('no free port'))
      })
    })
  })
}

/** nats-server sends its INFO line first. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', timeout: 1000 })
    const done = (greeted: boolean) => {
      socket.destroy()
      resolve(greeted)
    }
    socket.once('data', () => done(true))
    socket.once('error', () => done(false))
    socket.once('timeout', () => done(false))
  })
}
