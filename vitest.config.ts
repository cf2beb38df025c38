import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/support/summary-reporter.ts'

/**
 * Three projects: `unit` needs nothing but Node; `system` needs real parts (nats-server, kubectl,
 * network namespaces, DHCP clients) that `src/bootstrap.mjs --with-test-tools` installs.
 * A file named *.system.test.ts belongs to `system`. `bench` measures and asserts nothing; no test run includes it. raw-socket loads in one thread only: forks.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', new SummaryReporter()],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.system.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.system.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'bench', include: ['test/bench/**/*.bench.ts'], fileParallelism: false },
      },
    ],
  },
})
