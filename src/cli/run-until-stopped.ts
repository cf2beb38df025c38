import type { Logger } from 'pino'
import type { RunningProcess } from '../processes/running-process.ts'
import { keepAlive } from '../runtime/keep-alive.ts'

/** Waits for SIGTERM or SIGINT, then stops cleanly. A second signal does not wait. @returns the exit code */
export async function runUntilStopped(running: RunningProcess, log: Logger): Promise<number> {
  // Timers of ours do not keep a process alive by themselves.
  const release = keepAlive()
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  const impatient = () => process.exit(1)
  process.once('SIGTERM', impatient)
  process.once('SIGINT', impatient)
  log.info({ signal }, 'stopping')
  await running.stop()
  release()
  process.off('SIGTERM', impatient)
  process.off('SIGINT', impatient)
  log.info('stopped')
  return 0
}
