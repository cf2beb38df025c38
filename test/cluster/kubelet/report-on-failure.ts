import { beforeEach } from 'vitest'
import type { Kubelets } from './kubelets.ts'

/** When a test of this file fails, what the containers printed is shown. Call it once, outside of tests. */
export function showLogsOnFailure(kubelets: () => Kubelets | undefined): void {
  beforeEach(({ onTestFailed, task }) => {
    onTestFailed(() => {
      process.stderr.write(`\ncontainers of "${task.name}":\n${kubelets()?.allLogs() ?? 'none'}\n`)
    })
  })
}
