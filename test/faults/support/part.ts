import type { RunningProgram } from '../../e2e/support/program.ts'
import type { Cable } from './management-network.ts'

/** A process of the product, or one that it depends on: what can be done to it. */
export interface Part {
  readonly name: string
  readonly program: RunningProgram
  /** SIGKILL, and wait for the end. */
  kill(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP: it holds its sockets, and says nothing. */
  pause(): void
  resume(): void
  /** To the other processes. Undefined for a process that needs no network to others. */
  readonly cable: Cable | undefined
  /** What it says to DHCP clients; undefined for a process that does not. */
  readonly answers: Cable | undefined
}

export async function startPart(
  name: string,
  run: () => Promise<RunningProgram>,
  { cable, answers }: { cable?: Cable; answers?: Cable } = {},
): Promise<Part> {
  let program = await run()
  const signal = (what: NodeJS.Signals) => process.kill(program.pid, what)
  return {
    name,
    cable,
    answers,
    get program() {
      return program
    },
    async kill() {
      await program.end('SIGKILL')
    },
    async start() {
      program = await run()
    },
    pause: () => void signal('SIGSTOP'),
    resume: () => void signal('SIGCONT'),
  }
}
