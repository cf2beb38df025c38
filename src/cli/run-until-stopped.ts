import type { Logger } from 'pino'
import type { RunningProcess } from '../processes/running-process.ts'

/** Waits for SIGTERM or SIGINT, then stops cleanly. A second signal does not wait. @returns the exit code */
export async function runUntilStopped(running: RunningProcess, log: Logger): Promise<number> {
  // Timers of ours do not keep a process alive by themselves.
  const keepAlive = setInterval(() => {}, 60_000)
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  const impatient = () => process.exit(1)
  process.once('SIGTERM', impatient)
  process.once('SIGINT', impatient)
  log.info({ signal }, 'stopping')
  await running.stop()
  clearInterval(keepAlive)
  process.off('SIGTERM', impatient)
  process.off('SIGINT', impatient)
  log.info('stopped')
  return 0
}
