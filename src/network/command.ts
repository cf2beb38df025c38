import { spawn } from 'node:child_process'

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Written to the command's stdin, which is closed then. */
  input?: string
  environment?: NodeJS.ProcessEnv
}

/** What a command may print before it is cut off: no program may fill our memory. */
const MAX_OUTPUT = 4 * 1024 * 1024

export class CommandNotFoundError extends Error {
  override readonly name = 'CommandNotFoundError'
  constructor(
    readonly command: string,
    options?: ErrorOptions,
  ) {
    super(`the program "${command}" is not installed`, options)
  }
}

export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError'
  constructor(
    readonly commandLine: string,
    /** Exit code, or the signal's name. */
    readonly status: number | string,
    readonly stderr: string,
    options?: ErrorOptions,
  ) {
    super(`"${commandLine}" ended with ${status}: ${stderr.trim() || 'no message'}`, options)
  }
}

/**
 * Runs a program to its end.
 * @throws CommandNotFoundError
 * @throws CommandFailedError when it ends with anything but 0
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: options.environment })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT) stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < MAX_OUTPUT) stderr += text
    })
    child.on('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? new CommandNotFoundError(command, { cause })
          : new CommandFailedError(commandLine(command, args), cause.code ?? 'error', cause.message, {
              cause,
            }),
      ),
    )
    child.on('close', (code, signal) => {
      if (code === 0) resolve({ stdout, stderr })
      else reject(new CommandFailedError(commandLine(command, args), code ?? signal ?? 'error', stderr))
    })
    // A program may end before it has read its input (EPIPE): its exit code says what matters.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

function commandLine(command: string, args: readonly string[]): string {
  return [command, ...args].join(' ')
}
