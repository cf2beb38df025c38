import { isatty } from 'node:tty'
import pino, { type DestinationStream, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  /** On every line: "controller", "agent", … */
  component: string
  level?: LogLevel
  /** For people instead of machines. Default: when stdout is a terminal. */
  pretty?: boolean
  /** Default: stdout. */
  destination?: DestinationStream
}

const STDOUT = 1

export class InvalidLogLevelError extends Error {
  override readonly name = 'InvalidLogLevelError'
  constructor(readonly text: string) {
    super(`"${text}" is no log level; choose one of ${LOG_LEVELS.join(', ')}`)
  }
}

/** @throws InvalidLogLevelError */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined) throw new InvalidLogLevelError(text)
  return level
}

/**
 * JSON lines, one an entry; on a terminal coloured text. Lines are written at once and in this thread: none is lost in
 * a crash, and no worker could load raw-socket a second time.
 */
export function createLogger({ component, level = 'info', ...options }: LogOptions): Logger {
  const isPretty = options.pretty ?? (options.destination === undefined && isatty(STDOUT))
  const destination = options.destination ?? pino.destination({ dest: STDOUT, sync: true })
  return pino(
    { level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime },
    isPretty ? forPeople(destination, options.destination === undefined) : destination,
  )
}

/** pino-pretty's own stream is asynchronous, so only its formatter is used. */
function forPeople(destination: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'component',
    messageFormat: '{component}: {msg}',
  })
  return { write: (line) => destination.write(format(line)) }
}
