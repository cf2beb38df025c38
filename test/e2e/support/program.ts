import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { NetworkNamespace } from '../../../src/lab/namespace.ts'
import { builtProgram } from './build.ts'
import { eventually } from './eventually.ts'

const KEPT_OUTPUT = 256 * 1024

/** A process in a namespace: what it says, and its end. */
export interface RunningProgram {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** Exit code or signal, once it has ended. */
  readonly ended: () => number | string | undefined
  readonly whenEnded: Promise<number | string>
  /** Waits until stdout matches. @throws Error with all that it said, when it ends or says nothing of the kind in time */
  says(pattern: RegExp, seconds?: number): Promise<RegExpExecArray>
  /** @returns exit code or the signal's name */
  end(signal: NodeJS.Signals): Promise<number | string>
}

/** Runs `managed-dhcp` with these arguments in a namespace. */
export function startManagedDhcp(namespace: NetworkNamespace, args: readonly string[]): RunningProgram {
  return startProgram(namespace, process.execPath, [builtProgram(), ...args])
}

export function startProgram(
  namespace: NetworkNamespace,
  command: string,
  args: readonly string[],
): RunningProgram {
  return follow(
    namespace.spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
    [command, ...args].join(' '),
  )
}

export function follow(child: ChildProcess, name: string): RunningProgram {
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} does not start`)
  const stdout = keep(child.stdout)
  const stderr = keep(child.stderr)
  const ended = () => child.exitCode ?? child.signalCode ?? undefined
  const whenEnded = once(child, 'close').then(() => ended() ?? 'unknown')
  const everything = () => `${name} (${ended() ?? 'running'}) said:\n${stdout()}${stderr()}`
  return {
    pid,
    stdout,
    stderr,
    ended,
    whenEnded,
    async says(pattern, seconds = 20) {
      const seen = await eventually(
        `${pattern} of ${name}`,
        () => {
          const match = pattern.exec(stdout())
          if (match !== null) return { match }
          return ended() === undefined ? undefined : { match: null }
        },
        { seconds, pauseMs: 20 },
      ).catch((cause: unknown) => {
        throw new Error(`${pattern} was not said within ${seconds} s; ${everything()}`, { cause })
      })
      if (seen.match === null) throw new Error(`${pattern} was not said; ${everything()}`)
      return seen.match
    },
    async end(signal) {
      if (ended() === undefined) child.kill(signal)
      return whenEnded
    },
  }
}

function keep(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-KEPT_OUTPUT)
  })
  return () => text
}
