import type { Reporter, TestModule } from 'vitest/node'

/**
 * The last line of a run, as plain text: "Tests: 812 passed, 0 failed, 0 skipped". In CI a skipped test fails the
 * run: what it needs should have been installed.
 */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++
      // A file that could not be loaded has no tests to count.
      if (module.errors().length > 0) count.failed++
    }
    const skipped = count.skipped + count.pending
    if (process.env.CI && skipped > 0) process.exitCode = 1
    process.once('exit', () => {
      process.stdout.write(`Tests: ${count.passed} passed, ${count.failed} failed, ${skipped} skipped\n`)
    })
  }
}
