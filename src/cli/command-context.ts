import type { LogLevel } from '../observe/log.ts'

/** 2 when the command cannot be obeyed. */
export type ExitCode = number

/** What each subcommand is given. */
export interface CommandContext {
  /** What --log-level says. */
  level(): LogLevel
  /** With what the program ends. */
  done(code: ExitCode): void
}
