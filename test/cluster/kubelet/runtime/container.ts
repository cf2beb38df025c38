import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { Duration } from '../../../../src/api/values/time.ts'
import { requireTool } from '../../../../src/lab/tools.ts'
import type { Identity } from '../spec/identity.ts'
import { type ContainerSetup, containerScript, setprivArguments } from './container-script.ts'
import { exitCodeOf } from './exit-code.ts'

/** The runtime could not set the container up (CreateContainerError). */
export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError'
}

export interface ContainerOptions {
  /** Whose network namespace it shares. */
  readonly sandboxPid: number
  readonly setup: ContainerSetup
  readonly environment: ReadonlyMap<string, string>
  /** Gets what it prints. */
  output(text: string): void
}

export interface ExecResult {
  readonly exitCode: number
  readonly output: string
}

/** One run of a container. */
export interface RunningContainer {
  /** As seen from here; it is 1 inside. */
  readonly pid: number
  /** Its exit code, 128 + n when signal n ended it. */
  readonly exited: Promise<number>
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /** Runs a program inside, as the container's user; SIGKILL after the time-out. */
  exec(command: readonly string[], timeout: Duration): Promise<ExecResult>
}

/**
 * Resolves when its program runs.
 * @throws ContainerStartError
 */
export async function startContainer(options: ContainerOptions): Promise<RunningContainer> {
  const child = spawn(
    requireTool('nsenter'),
    [
      ...['--target', String(options.sandboxPid), '--net'],
      ...[requireTool('unshare'), '--mount', '--pid', '--uts', '--ipc'],
      ...['/bin/sh', '-c', containerScript(options.setup)],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: Object.fromEntries(options.environment),
      detached: true,
    },
  )
  let complaint = ''
  let isReady = false
  const note = (text: string) => {
    if (!isReady) complaint = (complaint + text).slice(0, 4096)
    options.output(text)
  }
  child.stdout?.setEncoding('utf8').on('data', note)
  child.stderr?.setEncoding('utf8').on('data', note)
  const exited = exitOf(child)
  const setUp = await readSetUp(child)
  isReady = setUp.isReady
  if (setUp.pid === undefined || !isReady) {
    await exited.catch(() => undefined)
    throw new ContainerStartError(complaint.trim() || 'the container could not be set up')
  }
  return new Run(setUp.pid, exited, options)
}

class Run implements RunningContainer {
  readonly pid: number
  readonly exited: Promise<number>
  readonly #identity: Identity
  readonly #environment: Record<string, string>
  #isOver = false

  constructor(pid: number, exited: Promise<number>, options: ContainerOptions) {
    this.pid = pid
    this.exited = exited.finally(() => {
      this.#isOver = true
    })
    this.#identity = options.setup.identity
    this.#environment = Object.fromEntries(options.environment)
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#isOver) return
    try {
      process.kill(this.pid, signal)
    } catch (error) {
      // It may have ended just now.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  async exec(command: readonly string[], timeout: Duration): Promise<ExecResult> {
    // The time is kept inside, so that what is killed is reaped there: a namespace ends with its last process.
    const limited = ['timeout', '--signal=KILL', String(timeout / 1000), ...command]
    const child = spawn(
      requireTool('nsenter'),
      [
        ...['--target', String(this.pid), '--mount', '--net', '--pid', '--uts', '--ipc'],
        ...['setpriv', ...setprivArguments(this.#identity), '--', ...limited],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: this.#environment, detached: true },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-64 * 1024)
      })
    }
    return { exitCode: await exitOf(child), output }
  }
}

async function exitOf(child: ChildProcess): Promise<number> {
  const [code, signal] = await once(child, 'close')
  return exitCodeOf(code, signal)
}

interface SetUp {
  readonly pid: number | undefined
  readonly isReady: boolean
}

/** Not to the end of the pipe: the shell that waits for the container holds it open. */
function readSetUp(child: ChildProcess): Promise<SetUp> {
  return new Promise((resolve) => {
    const pipe = child.stdio[3]
    let said = ''
    const finish = () => {
      const pid = /^pid (\d+)$/m.exec(said)?.[1]
      resolve({ pid: pid === undefined ? undefined : Number(pid), isReady: /^ready$/m.test(said) })
    }
    child.once('close', finish)
    if (!(pipe instanceof Readable)) return
    pipe.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (/^ready$/m.test(said)) finish()
    })
  })
}
