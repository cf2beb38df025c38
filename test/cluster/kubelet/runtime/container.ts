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
    '/bin/sh',
    [
      ...['-c', WITH_PIPES, 'container', requireTool('nsenter')],
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
  const report = new SetUpReport(child)
  const exited = once(child, 'close').then(() => report.exitCode)
  await Promise.race([report.ready, exited])
  isReady = report.isReady
  if (report.pid === undefined || !isReady) {
    await exited
    throw new ContainerStartError(complaint.trim() || 'the container could not be set up')
  }
  return new Run(report.pid, exited, options)
}

/**
 * Programs may open /dev/stdout, which fails for the sockets that Node.js gives to its children: they get a pipe. The
 * exit code goes to descriptor 3, as that of a pipeline is its last command's.
 */
const WITH_PIPES = '{ "$@" 2>&1; echo "exit $?" >&3; } | cat'
/** Of a container whose shell was killed with it. */
const KILLED = 137

/** What is said on descriptor 3. */
class SetUpReport {
  readonly ready: Promise<void>
  #said = ''

  constructor(child: ChildProcess) {
    const pipe = child.stdio[3]
    this.ready = new Promise((resolve) => {
      if (!(pipe instanceof Readable)) return
      pipe.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text
        if (this.isReady) resolve()
      })
    })
  }

  get isReady(): boolean {
    return /^ready$/m.test(this.#said)
  }
  get pid(): number | undefined {
    return this.#number('pid')
  }
  get exitCode(): number {
    return this.#number('exit') ?? KILLED
  }

  #number(name: string): number | undefined {
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(this.#said)?.[1]
    return found === undefined ? undefined : Number(found)
  }
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
