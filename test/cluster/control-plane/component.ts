import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** A part of the control plane does not come up, or does not go down. */
export class ComponentError extends Error {
  override readonly name = 'ComponentError'
  constructor(component: string, what: string, logTail: string, options?: ErrorOptions) {
    super(`${component} ${what}; the end of its log:\n${logTail}`, options)
  }
}

export interface ComponentDescription {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Resolves to undefined when it is ready, else to why not. */
  readiness(): Promise<string | undefined>
}

const READY_WITHIN_MS = 90_000
const DEAD_WITHIN_MS = 15_000
const LOG_TAIL_LINES = 30

/**
 * One program of the control plane. What is known of it (process id, log) stands in files of `directory`, so that a test
 * in another process than the one that started it can end it and start it again.
 */
export class Component {
  readonly name: string
  readonly logFile: string
  readonly #pidFile: string
  readonly #description: ComponentDescription

  constructor(directory: string, description: ComponentDescription) {
    this.name = description.name
    this.logFile = join(directory, `${description.name}.log`)
    this.#pidFile = join(directory, `${description.name}.pid`)
    this.#description = description
  }

  /** Does not wait until it is ready; does nothing while it runs. */
  start(): void {
    if (this.isRunning()) return
    const log = openSync(this.logFile, 'a')
    const { command, args } = this.#description
    const child = spawn(command, args, { stdio: ['ignore', log, log], detached: true })
    closeSync(log)
    child.on('error', (error) => writeFileSync(this.logFile, `${error.message}\n`, { flag: 'a' }))
    child.unref()
    writeFileSync(this.#pidFile, String(child.pid ?? ''))
  }

  /** Sends the signal, and waits for the end of the process unless the signal only stops or continues it. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const pid = this.#pid()
    if (pid === undefined || !isAlive(pid)) return
    process.kill(pid, signal)
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return
    const deadline = performance.now() + DEAD_WITHIN_MS
    while (isAlive(pid)) {
      if (performance.now() > deadline)
        throw this.#failure(`is still alive ${DEAD_WITHIN_MS} ms after ${signal}`)
      await wait(20)
    }
  }

  /** @throws ComponentError when it has ended, or is not ready within a minute and a half */
  async whenReady(): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS
    for (;;) {
      const why = await this.#description.readiness().catch((error: unknown) => String(error))
      if (why === undefined) return
      if (!this.isRunning()) throw this.#failure('has ended')
      if (performance.now() > deadline) throw this.#failure(`is not ready: ${why}`)
      await wait(100)
    }
  }

  isRunning(): boolean {
    const pid = this.#pid()
    return pid !== undefined && isAlive(pid)
  }

  #pid(): number | undefined {
    try {
      return Number(readFileSync(this.#pidFile, 'utf8')) || undefined
    } catch {
      return undefined
    }
  }

  #failure(what: string): ComponentError {
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n')
    return new ComponentError(this.name, what, lines.slice(-LOG_TAIL_LINES).join('\n'))
  }
}

/**
 * A process that has ended and that nobody has waited for yet is dead too, but only with its last thread: until then its
 * sockets are still bound, although its first thread is a zombie already.
 */
function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const hasEnded = /^[ZX]/.test(status.slice(status.lastIndexOf(')') + 2))
    return !hasEnded || readdirSync(`/proc/${pid}/task`).length > 1
  } catch {
    return false
  }
}
