import { type ChildProcess, spawn } from 'node:child_process'
import { builtProgram } from '../e2e/support/build.ts'
import { follow, type RunningProgram } from '../e2e/support/program.ts'

export interface Outcome {
  /** Exit code, or the signal's name. */
  code: number | string
  stdout: string
  stderr: string
}

/** A command that should end by itself soon; what runs on is ended, and its code is SIGKILL. */
export async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
  folder?: string,
): Promise<Outcome> {
  const child = launch(args, environment, folder)
  const program = follow(child, `managed-dhcp ${args.join(' ')}`)
  const timeout = setTimeout(() => child.kill('SIGKILL'), 45_000)
  const code = await program.whenEnded
  clearTimeout(timeout)
  return { code, stdout: program.stdout(), stderr: program.stderr() }
}

/** A command that runs until it is told to end. */
export function start(args: readonly string[]): RunningProgram {
  return follow(launch(args), `managed-dhcp ${args.join(' ')}`)
}

function launch(
  args: readonly string[],
  environment: Record<string, string> = {},
  folder?: string,
): ChildProcess {
  return spawn(process.execPath, [builtProgram(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    ...(folder === undefined ? {} : { cwd: folder }),
  })
}
